using System.Text.Json.Serialization;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>How a region is published.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<TrafficMode>))]
internal enum TrafficMode
{
    /// <summary>Not by the operator.</summary>
    None,

    /// <summary>To external-dns, as DNSEndpoint.</summary>
    DNSEndpoint,

    /// <summary>As HTTPRoute.</summary>
    GatewayAPI,

    /// <summary>As both.</summary>
    Both,
}
