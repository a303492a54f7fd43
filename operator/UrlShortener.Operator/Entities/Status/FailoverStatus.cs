using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>State of failovers between regions.</summary>
internal sealed record FailoverStatus
{
    /// <summary>Where a failover is.</summary>
    [Description("Where a failover is: Healthy, Suspect, Fencing, Promoting, ShiftingTraffic, FailedOver, Rejoining, Eligible, Failback or Blocked.")]
    [Length(0, 32)]
    public string? State { get; init; }

    /// <summary>Since when.</summary>
    [Description("Time of the last change of state.")]
    public DateTime? Since { get; init; }

    /// <summary>The next primary.</summary>
    [Description("Region that would become primary, or is becoming it.")]
    [Length(0, 63)]
    public string? Candidate { get; init; }

    /// <summary>Why.</summary>
    [Description("Why it is in this state.")]
    [Length(0, 1024)]
    public string? Reason { get; init; }

    /// <summary>When the last one ended.</summary>
    [Description("Time at which the last failover ended.")]
    public DateTime? LastFailoverTime { get; init; }

    /// <summary>How long writes stood still.</summary>
    [Description("Milliseconds that the last failover took.")]
    public long? LastDurationMillis { get; init; }

    /// <summary>The last ones, newest first.</summary>
    [Description("The last failovers, newest first.")]
    [Length(0, 10)]
    public IReadOnlyList<FailoverRecord>? History { get; init; }
}
