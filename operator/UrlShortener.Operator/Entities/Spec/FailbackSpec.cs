using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>How the write role comes back to a region of higher priority.</summary>
internal sealed record FailbackSpec
{
    /// <summary>Who decides.</summary>
    [Description("Manual: a person moves it. Automatic: the operators do, as a planned move without loss.")]
    [OneOf("Manual", "Automatic")]
    public string Mode { get; init; } = "Manual";

    /// <summary>Seconds.</summary>
    [Description("Seconds that the region must have been well before an automatic move.")]
    [Range(60, 86_400)]
    public int StableSeconds { get; init; } = 1_800;

    /// <summary>Null: at any time.</summary>
    [Description("Minutes in which an automatic move may begin, as five fields of cron in UTC, such as * 2-4 * * *. Absent: at any time.")]
    [Length(1, 64)]
    [RegularExpression(Patterns.Cron)]
    public string? Window { get; init; }
}
