using System.Text.Json;
using System.Text.Json.Serialization;
using UrlShortener.Contracts;
using UrlShortener.Runtime.Http;

namespace UrlShortener.Runtime.Keys.Generation;

/// <summary>Serialisation of the bodies of /kgs/v1.</summary>
[JsonSerializable(typeof(KeyGenerationStatus))]
[JsonSerializable(typeof(RefillRequest))]
[JsonSerializable(typeof(OpenEpochRequest))]
internal sealed partial class KeyGenerationJson : JsonSerializerContext
{
    /// <summary>The context to use, with the JSON options of the API.</summary>
    public static KeyGenerationJson Instance { get; } = new(ApiJson.Configure(new JsonSerializerOptions()));
}
