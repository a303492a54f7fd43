using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>Names under which clients reach the region.</summary>
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
}
