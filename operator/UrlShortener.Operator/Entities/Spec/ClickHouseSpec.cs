using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>ClickHouse that statistics are kept in.</summary>
internal sealed record ClickHouseSpec
{
    /// <summary>Servers.</summary>
    [Description("Servers, each host:port of the HTTP interface.")]
    [Required]
    [Length(1, 16)]
    [Each(3, 260, Pattern = Patterns.HostAndPort)]
    [ListSet]
    public IReadOnlyList<string> Endpoints { get; init; } = [];

    /// <summary>Database.</summary>
    [Description("Database of the statistics.")]
    [Length(1, 64)]
    [RegularExpression("^[A-Za-z_][A-Za-z0-9_]*$")]
    public string Database { get; init; } = "shortener";

    /// <summary>Null: none are needed.</summary>
    [Description("Secret with username and password. Absent: none are needed.")]
    public ObjectName? CredentialsSecretRef { get; init; }

    /// <summary>Whether the region is unready without it.</summary>
    [Description("Whether the region counts as unready while ClickHouse is away. false: it is degraded, and nothing fails over.")]
    public bool Required { get; init; }
}
