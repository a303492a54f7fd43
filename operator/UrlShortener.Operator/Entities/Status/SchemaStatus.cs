using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>The tables of a region's database, as the app finds them.</summary>
internal sealed record SchemaStatus
{
    /// <summary>One of the states of the contract; null: not known.</summary>
    [Description("current, behind (migrations are missing) or ahead (a newer version migrated the tables). Absent: not known.")]
    [Length(0, 32)]
    public string? State { get; init; }

    /// <summary>Migrations of the database.</summary>
    [Description("Number of migrations that the database has.")]
    public int? Applied { get; init; }

    /// <summary>Migrations of the image.</summary>
    [Description("Number of migrations that the image has.")]
    public int? Known { get; init; }

    /// <summary>Repeated migrations.</summary>
    [Description("How often the operator migrated again, because the database was behind. 0 again 10 minutes after the last time.")]
    [Range(0, 1_000_000)]
    public int? Repairs { get; init; }

    /// <summary>When it last did.</summary>
    [Description("Time at which the operator last migrated again.")]
    public DateTime? LastRepairTime { get; init; }
}
