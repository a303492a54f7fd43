using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>Names under which clients reach the region, and how visitors are sent to the regions of the group that serve.</summary>
[Rule("!(self.mode in ['GatewayAPI', 'Both']) || has(self.gatewayRef)", "the modes GatewayAPI and Both need gatewayRef")]
[Rule(
    "!has(self.targets) || size(self.targets) == 1 || self.targets.all(target, target.contains(':') || target.matches('^[0-9.]+$'))",
    "targets are IP addresses, or one host name"
)]
internal sealed record TrafficSpec
{
    /// <summary>Host names of short links. The app refuses links to them as loops.</summary>
    [Description("Host names of the short links, in lower case. The first is part of every new short link. The app refuses links to any of them as loops.")]
    [Required]
    [Length(1, 8)]
    [Each(1, 253, Pattern = Patterns.DnsName)]
    [ListSet]
    public IReadOnlyList<string> Hostnames { get; init; } = [];

    /// <summary>Null: https and the first of <see cref="Hostnames"/>.</summary>
    [Description("Scheme and host of the short links, such as https://sho.rt. If absent: https and the first of hostnames.")]
    [Length(8, 270)]
    [RegularExpression(Patterns.BaseUrl)]
    public string? PublicBaseUrl { get; init; }

    /// <summary>One of <see cref="TrafficMode"/>.</summary>
    [Description(
        "What the operator publishes to send visitors of hostnames to the regions of the group that serve. None: nothing. DNSEndpoint: an object for "
            + "external-dns. GatewayAPI: an HTTPRoute at gatewayRef. Both: both. The condition TrafficPublished says whether it is in effect."
    )]
    [OneOf(TrafficMode.None, TrafficMode.DNSEndpoint, TrafficMode.GatewayAPI, TrafficMode.Both)]
    public string Mode { get; init; } = TrafficMode.None;

    /// <summary>Share of the visitors; 0: drained.</summary>
    [Description(
        "Share of the visitors that the region gets, relative to the other regions; 0 sends none to it. An HTTPRoute and the provider AWS split by it. "
            + "With the provider Generic all regions above 0 get the same share."
    )]
    [Range(0, 1_000)]
    public int Weight { get; init; } = 100;

    /// <summary>Time to live of DNS records.</summary>
    [Description("Seconds for which resolvers may keep the DNS records. The lowest of all regions in a record counts.")]
    [Range(5, 300)]
    public int TtlSeconds { get; init; } = 30;

    /// <summary>Where visitors of the region are to go; null: the addresses of its Service.</summary>
    [Description(
        "IP addresses of the region, or one host name, for DNS. If absent: the addresses of the region's Service, if app.service.type is LoadBalancer."
    )]
    [Length(1, 8)]
    [Each(1, 253, Pattern = Patterns.Target)]
    [ListSet]
    public IReadOnlyList<string>? Targets { get; init; }

    /// <summary>One of <see cref="DnsProvider"/>.</summary>
    [Description(
        "Kind of the DNS records. Generic: one record for all regions of the group. AWS: a weighted record of Route 53 for each region. All regions of a group "
            + "must have the same."
    )]
    [OneOf(DnsProvider.Generic, DnsProvider.AWS)]
    public string Provider { get; init; } = DnsProvider.Generic;

    /// <summary>The Gateway of the HTTPRoute; null: none.</summary>
    [Description("Gateway to which the HTTPRoute of the region belongs.")]
    public GatewayRef? GatewayRef { get; init; }

    /// <summary>Whether the region publishes by DNS.</summary>
    public bool UsesDns() => Mode is TrafficMode.DNSEndpoint or TrafficMode.Both;

    /// <summary>Whether the region publishes by a route.</summary>
    public bool UsesRoute() => Mode is TrafficMode.GatewayAPI or TrafficMode.Both;
}

/// <summary>
/// Values of <see cref="TrafficSpec.Mode"/>. Strings, so that an operator can read a value that its version does not define; it counts as None.
/// </summary>
internal static class TrafficMode
{
    /// <summary>The operator publishes nothing.</summary>
    public const string None = nameof(None);

    /// <summary>An object for external-dns.</summary>
    public const string DNSEndpoint = nameof(DNSEndpoint);

    /// <summary>A route of the Gateway API.</summary>
    public const string GatewayAPI = nameof(GatewayAPI);

    /// <summary>Both.</summary>
    public const string Both = nameof(Both);
}

/// <summary>Values of <see cref="TrafficSpec.Provider"/>. An unknown value counts as Generic.</summary>
internal static class DnsProvider
{
    /// <summary>Any provider: one record for all regions.</summary>
    public const string Generic = nameof(Generic);

    /// <summary>Route 53: a weighted record for each region.</summary>
    public const string AWS = nameof(AWS);
}
