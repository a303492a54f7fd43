using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>Backups of the region's PostgreSQL and the archive of its write-ahead log, by pgBackRest.</summary>
internal sealed record BackupSpec
{
    /// <summary>Where backups and the archive are.</summary>
    [Description("Where backups and the archive are.")]
    [Required]
    public BackupRepositorySpec Repository { get; init; } = new();

    /// <summary>When backups are made: a cron expression.</summary>
    [Description("When a backup is made: five cron fields in UTC. After an outage of any length, one backup is made for all times that were missed.")]
    [Length(9, 100)]
    [RegularExpression(Cron)]
    public string Schedule { get; init; } = "17 2 * * *";

    /// <summary>Age of the newest full backup at which the next one is full.</summary>
    [Description("Days after which the next backup is a full one. Those in between are differential: they have what changed since the last full one.")]
    [Range(1, 90)]
    public int FullEveryDays { get; init; } = 7;

    /// <summary>Number of full backups that stay.</summary>
    [Description(
        "Number of full backups that stay, with their differential backups and the archive since the oldest. Older ones are deleted after each backup."
    )]
    [Range(1, 100)]
    public int KeepFull { get; init; } = 4;

    /// <summary>Rehearsals of a restore; null: none.</summary>
    [Description("Rehearsals: the newest backup is restored on a schedule, so that LastRehearsalSucceeded says when a restore last worked. If absent: none.")]
    public RehearsalSpec? Rehearsal { get; init; }

    /// <summary>Five fields; the webhook checks their values.</summary>
    public const string Cron = "^[-0-9A-Za-z*,/?#]+( [-0-9A-Za-z*,/?#]+){4}$";
}
