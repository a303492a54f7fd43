using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>Backups of PostgreSQL.</summary>
internal sealed record BackupSpec
{
    /// <summary>When, in UTC.</summary>
    [Description("When a backup is made, as five fields of cron in UTC, such as 0 3 * * *.")]
    [Required]
    [Length(1, 64)]
    [RegularExpression(Patterns.Cron)]
    public string Schedule { get; init; } = "";

    /// <summary>Where to.</summary>
    [Description("Secret that tells where backups go.")]
    [Required]
    public ObjectName DestinationSecretRef { get; init; } = new();

    /// <summary>Days.</summary>
    [Description("Days that a backup is kept.")]
    [Range(1, 3_650)]
    public int RetentionDays { get; init; } = 30;
}
