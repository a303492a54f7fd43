using System.Text.Json;
using System.Text.Json.Serialization;
using UrlShortener.Runtime.Http;

namespace UrlShortener.Runtime.Statistics;

/// <summary>The bodies of /api/v1/urls/{short_code}/stats and /api/v1/urls/trending.</summary>
[JsonSerializable(typeof(StatisticsResponse))]
[JsonSerializable(typeof(TrendingResponse))]
internal sealed partial class StatisticsJson : JsonSerializerContext
{
    /// <summary>The context in use.</summary>
    public static StatisticsJson Instance { get; } = new(ApiJson.Configure(new JsonSerializerOptions()));
}
