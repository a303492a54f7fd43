using System.Text.Json;
using System.Text.Json.Serialization;
using UrlShortener.Contracts;
using UrlShortener.Runtime.Http;

namespace UrlShortener.Runtime.Health;

/// <summary>The body of /health.</summary>
[JsonSerializable(typeof(HealthResponse))]
internal sealed partial class HealthJson : JsonSerializerContext
{
    /// <summary>The context to use, with the JSON options of the API.</summary>
    public static HealthJson Instance { get; } = new(ApiJson.Configure(new JsonSerializerOptions()));
}
