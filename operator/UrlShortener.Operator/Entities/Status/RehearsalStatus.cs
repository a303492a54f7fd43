using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>Rehearsals of a restore.</summary>
internal sealed record RehearsalStatus
{
    /// <summary>When the last one was started.</summary>
    [Description("Time at which the last rehearsal was started.")]
    public DateTime? LastStartTime { get; init; }

    /// <summary>The Job that runs; null: none.</summary>
    [Description("Name of the Job that runs. Absent: none.")]
    [Length(0, 63)]
    public string? Running { get; init; }

    /// <summary>The last Job that ended.</summary>
    [Description("Name of the last Job that ended.")]
    [Length(0, 63)]
    public string? Job { get; init; }

    /// <summary>Whether it succeeded.</summary>
    [Description("Whether the last rehearsal succeeded.")]
    public bool? Succeeded { get; init; }

    /// <summary>Why it failed.</summary>
    [Description("Why the last rehearsal failed. Absent if it succeeded.")]
    [Length(0, 512)]
    public string? Message { get; init; }

    /// <summary>Rehearsals that failed since the last one that succeeded.</summary>
    [Description("Rehearsals that have failed since one succeeded. The least time until the next one grows with it, up to an hour.")]
    public int? FailedRuns { get; init; }

    /// <summary>When a restore last worked.</summary>
    [Description("Time at which a restore last worked.")]
    public DateTime? LastSuccessTime { get; init; }

    /// <summary>Seconds that it took.</summary>
    [Description("Seconds that this restore took, from the first byte until the database could be read.")]
    public int? DurationSeconds { get; init; }

    /// <summary>Number of links.</summary>
    [Description("Number of links in it.")]
    public long? Links { get; init; }

    /// <summary>The last commit.</summary>
    [Description("Time of the last commit in it.")]
    public DateTime? LastCommitTime { get; init; }
}
