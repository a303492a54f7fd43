using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>A change of the leader inside a region.</summary>
internal sealed record MemberFailover
{
    /// <summary>Former leader.</summary>
    [Description("Server that led before.")]
    [Length(0, 253)]
    public string? From { get; init; }

    /// <summary>New leader.</summary>
    [Description("Server that leads now.")]
    [Length(0, 253)]
    public string? To { get; init; }

    /// <summary>Who brought it about.</summary>
    [Description("Native: the servers did it by themselves. Assisted: the operator helped on proof of death. Switchover: it was planned.")]
    [Length(0, 32)]
    public string? Cause { get; init; }

    /// <summary>When.</summary>
    [Description("Time at which it was seen.")]
    public DateTime? At { get; init; }

    /// <summary>How long there was no leader.</summary>
    [Description("Milliseconds without a leader.")]
    public long? DurationMillis { get; init; }
}
