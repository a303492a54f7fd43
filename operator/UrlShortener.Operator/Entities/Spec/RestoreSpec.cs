using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>The backup from which a new PostgreSQL begins.</summary>
internal sealed record RestoreSpec
{
    /// <summary>Where the backup is. It is read, and never written to.</summary>
    [Description("Where the backup is. It is only read: a key that may list and read objects is enough. secretRef must have the passphrase, if there is one.")]
    [Required]
    public BackupRepositorySpec Repository { get; init; } = new();

    /// <summary>Path in the bucket.</summary>
    [Description("Path in the bucket: what follows the bucket in status.backup.repository of the region that made the backup.")]
    [Required]
    [Length(2, 512)]
    [RegularExpression("^/[-a-zA-Z0-9_./]+$")]
    public string Path { get; init; } = "";

    /// <summary>The point in time; null: the end of the archive.</summary>
    [Description(
        "Time up to which writes are restored, those of that moment included, such as 2030-01-31T12:00:00.5Z. Something must have been written after it: PostgreSQL "
            + "finds the end by the first later write. If absent: everything in the archive."
    )]
    public DateTime? TargetTime { get; init; }
}
