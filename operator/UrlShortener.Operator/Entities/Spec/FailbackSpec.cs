using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>When the primary role goes back to the region that it was moved away from.</summary>
internal sealed record FailbackSpec
{
    /// <summary>One of <see cref="FailoverMode"/>.</summary>
    [Description(
        "Manual: the role goes back when somebody asks for it. Automatic: a planned move, which loses nothing, brings it back to the region that had it before it was lost or drained. It does not undo a move that somebody asked for."
    )]
    [OneOf(FailoverMode.Manual, FailoverMode.Automatic)]
    public string Mode { get; init; } = FailoverMode.Manual;

    /// <summary>Seconds.</summary>
    [Description(
        "For how many seconds the region must have been healthy, and no move have begun, before the role goes back. The operator counts anew when it starts."
    )]
    [Range(60, 86_400)]
    public int StableSeconds { get; init; } = 1_800;

    /// <summary>When it may go back; null: at any time.</summary>
    [Description("When the role may go back. Without it, at any time.")]
    public FailbackWindowSpec? Window { get; init; }
}

/// <summary>Times at which the role may go back.</summary>
internal sealed record FailbackWindowSpec
{
    /// <summary>When a window opens: a cron expression.</summary>
    [Description("When a window opens: five cron fields in UTC.")]
    [Length(9, 100)]
    [RegularExpression(BackupSpec.Cron)]
    public required string Schedule { get; init; }

    /// <summary>Minutes.</summary>
    [Description("For how many minutes it is open.")]
    [Range(5, 1_440)]
    public int Minutes { get; init; } = 120;
}
