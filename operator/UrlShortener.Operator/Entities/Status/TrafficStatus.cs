using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>What is published about a region.</summary>
internal sealed record TrafficStatus
{
    /// <summary>What is wanted.</summary>
    [Description("Weight that is wanted.")]
    public int? DesiredWeight { get; init; }

    /// <summary>What is confirmed.</summary>
    [Description("Weight that is in force.")]
    public int? EffectiveWeight { get; init; }

    /// <summary>Whether it is out.</summary>
    [Description("Whether what is wanted is published.")]
    public bool? Published { get; init; }

    /// <summary>Addresses.</summary>
    [Description("Addresses and host names that are published.")]
    [Length(0, 8)]
    [Each(0, 253)]
    public IReadOnlyList<string>? Targets { get; init; }

    /// <summary>When.</summary>
    [Description("Time of the last change of what is published.")]
    public DateTime? LastChangeTime { get; init; }
}
