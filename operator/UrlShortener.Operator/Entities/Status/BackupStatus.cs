using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>Observed state of the backups of a region's PostgreSQL, as pgBackRest and PostgreSQL report it.</summary>
internal sealed record BackupStatus
{
    /// <summary>The repository, which contains the identifiers of the database and of the region.</summary>
    [Description("Place of the backups: bucket and path. A new region restores from the path.")]
    [Length(0, 512)]
    public string? Repository { get; init; }

    /// <summary>The storage of the repository.</summary>
    [Description("Endpoint of the storage that the rest of this status is about.")]
    [Length(0, 253)]
    public string? Endpoint { get; init; }

    /// <summary>What tells another passphrase of the repository; null: not known.</summary>
    [Description("Two bytes of a digest of the passphrase of the repository, to notice another one. They do not tell the passphrase.")]
    [Length(0, 4)]
    public string? PassphraseCheck { get; init; }

    /// <summary>The newest backup that succeeded; null: none.</summary>
    [Description("Newest backup. Absent: there is none yet.")]
    public BackupResult? LastBackup { get; init; }

    /// <summary>When the newest full backup ended.</summary>
    [Description("Time at which the newest full backup ended.")]
    public DateTime? LastFullTime { get; init; }

    /// <summary>Beginning of the times to which the database can be restored; null: it cannot be restored.</summary>
    [Description("Earliest time to which the database can be restored. From here to recoverableTo the archive has no gap. Absent: no backup can be restored.")]
    public DateTime? RecoverableFrom { get; init; }

    /// <summary>Their end.</summary>
    [Description("Latest time to which the archive is known to reach. It is renewed after each backup, and every 10 minutes while changes are archived.")]
    public DateTime? RecoverableTo { get; init; }

    /// <summary>The timeline up to which the archive was checked for gaps.</summary>
    [Description("Timeline up to which the archive has been checked for gaps.")]
    public int? CheckedTimeline { get; init; }

    /// <summary>The segment that the archive lacks after the newest backup; null: none.</summary>
    [Description("Segment of the write-ahead log that the archive lacks, so that no backup leads to the present. Absent: none.")]
    [Length(0, 24)]
    public string? MissingSegment { get; init; }

    /// <summary>When the last backup was started.</summary>
    [Description("Time at which the last backup was started, whether it succeeded or not.")]
    public DateTime? LastStartTime { get; init; }

    /// <summary>The run that is under way; null: none.</summary>
    [Description("Run of a backup, or of a check of the archive, that is under way. Absent: none.")]
    public BackupRunStatus? Running { get; init; }

    /// <summary>The last run; null: none.</summary>
    [Description("Last run of a backup, or of a check of the archive, that ended.")]
    public BackupRunStatus? LastRun { get; init; }

    /// <summary>Runs that failed since the last one that succeeded.</summary>
    [Description("Runs that have failed since one succeeded. The delay before the next attempt grows with it, up to an hour.")]
    public int? FailedRuns { get; init; }

    /// <summary>The last request by annotation that was carried out.</summary>
    [Description("Last value of the annotation urlshortener.dev/backup for which a backup was started.")]
    [Length(0, 256)]
    public string? LastRequest { get; init; }

    /// <summary>Rehearsals; null: none are asked for.</summary>
    [Description("Rehearsals of a restore. Absent unless the region asks for them.")]
    public RehearsalStatus? Rehearsal { get; init; }

    /// <summary>The restore from which the database began; null: it began empty.</summary>
    [Description("Restore from which the database began. Absent if it began empty.")]
    public RestoreStatus? Restore { get; init; }
}

/// <summary>A backup.</summary>
internal sealed record BackupResult
{
    /// <summary>pgBackRest's label.</summary>
    [Description("Label of the backup in pgBackRest.")]
    [Length(0, 64)]
    public string? Label { get; init; }

    /// <summary>When it ended.</summary>
    [Description("Time at which the backup ended.")]
    public DateTime? CompletionTime { get; init; }

    /// <summary>Its size in the repository.</summary>
    [Description("Bytes that the backup added to the repository.")]
    public long? SizeBytes { get; init; }
}

/// <summary>A run of a Job.</summary>
internal sealed record BackupRunStatus
{
    /// <summary>The Job.</summary>
    [Description("Name of the Job.")]
    [Length(0, 63)]
    public string? Job { get; init; }

    /// <summary>What it did.</summary>
    [Description("Full or Differential: a backup. Check: it looked for gaps in the archive.")]
    [OneOf("Full", "Differential", "Check")]
    public string? Kind { get; init; }

    /// <summary>When its Job was created.</summary>
    [Description("Time at which the Job was created.")]
    public DateTime? StartTime { get; init; }

    /// <summary>When it ended.</summary>
    [Description("Time at which the run ended.")]
    public DateTime? CompletionTime { get; init; }

    /// <summary>Whether it succeeded.</summary>
    [Description("Whether the run succeeded.")]
    public bool? Succeeded { get; init; }

    /// <summary>Why it failed.</summary>
    [Description("Why the run failed, in the words of pgBackRest. Absent if it succeeded.")]
    [Length(0, 512)]
    public string? Message { get; init; }
}
