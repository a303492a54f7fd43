using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>How visitors get to the region.</summary>
[Rule("!(self.mode in ['GatewayAPI', 'Both']) || has(self.gatewayRef)", "mode GatewayAPI and Both need gatewayRef")]
[Rule("!(has(self.targets) && has(self.serviceRef))", "set at most one of targets and serviceRef")]
internal sealed record TrafficSpec
{
    /// <summary>Host names of short links; the first is the one that links are published under.</summary>
    [Description("Host names of the short links, in lower case. Links are published under the first; links to any of them are refused as loops.")]
    [Required]
    [Length(1, 8)]
    [Each(1, 253, Pattern = Patterns.DnsName)]
    [ListSet]
    public IReadOnlyList<string> Hostnames { get; init; } = [];

    /// <summary>Null: https and the first of <see cref="Hostnames"/>.</summary>
    [Description("Scheme and host that short links are published under, such as https://sho.rt. Absent: https and the first of hostnames.")]
    [Length(8, 270)]
    [RegularExpression(Patterns.BaseUrl)]
    public string? PublicBaseUrl { get; init; }

    /// <summary>Who is told.</summary>
    [Description("How the region is published. DNSEndpoint: to external-dns. GatewayAPI: as HTTPRoute. None: not by the operator.")]
    public TrafficMode Mode { get; init; } = TrafficMode.None;

    /// <summary>Share among the regions; 0: drained.</summary>
    [Description("Share of the traffic, in proportion to the weights of the group's other regions. 0: none.")]
    [Range(0, 1_000)]
    public int Weight { get; init; } = 100;

    /// <summary>Seconds.</summary>
    [Description("Seconds that resolvers may remember the addresses. A change of regions takes at least so long to reach everybody.")]
    [Range(5, 300)]
    public int TtlSeconds { get; init; } = 30;

    /// <summary>Null: of <see cref="ServiceRef"/>, or of the region's own Service.</summary>
    [Description("Addresses or host names that are published. Absent: those of serviceRef.")]
    [Length(1, 8)]
    [Each(1, 253, Pattern = Patterns.Host)]
    [ListSet]
    public IReadOnlyList<string>? Targets { get; init; }

    /// <summary>Null: the region's own Service.</summary>
    [Description("Service whose load balancer addresses are published. Absent, with targets absent too: the region's own Service.")]
    public ServiceRef? ServiceRef { get; init; }

    /// <summary>What the DNS service understands.</summary>
    [Description("DNS service behind external-dns, which decides how weights are told.")]
    [OneOf("Generic", "AWS")]
    public string Provider { get; init; } = "Generic";

    /// <summary>Needed where HTTPRoutes are made.</summary>
    [Description("Gateway that the region's HTTPRoute is attached to. Needed by the modes GatewayAPI and Both.")]
    public GatewayRef? GatewayRef { get; init; }
}
