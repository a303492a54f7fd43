using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>The restore from which the region's PostgreSQL began.</summary>
internal sealed record RestoreStatus
{
    /// <summary>The Job that runs; null: none.</summary>
    [Description("Name of the Job that runs. Absent: none.")]
    [Length(0, 63)]
    public string? Running { get; init; }

    /// <summary>The Job.</summary>
    [Description("Name of the last Job.")]
    [Length(0, 63)]
    public string? Job { get; init; }

    /// <summary>When it was created.</summary>
    [Description("Time at which the Job was created.")]
    public DateTime? StartTime { get; init; }

    /// <summary>What it was made from.</summary>
    [Description("Digest of the specification that the Job was made from.")]
    [Length(0, 16)]
    public string? Digest { get; init; }

    /// <summary>When it ended.</summary>
    [Description("Time at which the Job ended.")]
    public DateTime? CompletionTime { get; init; }

    /// <summary>Whether it succeeded.</summary>
    [Description("Whether the restore succeeded. The members start after that.")]
    public bool? Succeeded { get; init; }

    /// <summary>Attempts that failed in a way that may pass.</summary>
    [Description("Attempts that have failed for a reason that may pass, such as a storage that does not answer. Absent if only another specification helps.")]
    public int? FailedRuns { get; init; }

    /// <summary>The last commit.</summary>
    [Description("Time of the last commit that was restored.")]
    public DateTime? LastCommitTime { get; init; }

    /// <summary>Number of links.</summary>
    [Description("Number of links that were restored.")]
    public long? Links { get; init; }

    /// <summary>Why it failed.</summary>
    [Description("Why the restore failed.")]
    [Length(0, 512)]
    public string? Message { get; init; }
}
