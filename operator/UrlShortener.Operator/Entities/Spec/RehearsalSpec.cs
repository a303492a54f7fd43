using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>Rehearsals of a restore.</summary>
internal sealed record RehearsalSpec
{
    /// <summary>When one is made: a cron expression.</summary>
    [Description(
        "When the newest backup is restored into a scratch volume of storage.size, recovered to the end of the archive, counted and deleted again: five cron fields "
            + "in UTC."
    )]
    [Length(9, 100)]
    [RegularExpression(BackupSpec.Cron)]
    public string Schedule { get; init; } = "17 5 * * 0";
}
