using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>A server that the operator does not run.</summary>
internal sealed record DependencyStatus
{
    /// <summary>Which.</summary>
    [Description("Which server: postgres, redis, kafka or clickhouse.")]
    [Required]
    [Length(1, 32)]
    public string Name { get; init; } = "";

    /// <summary>Whether the app reaches it.</summary>
    [Description("Whether the app reaches it.")]
    public bool? Reachable { get; init; }

    /// <summary>Why not.</summary>
    [Description("Why it is not reached.")]
    [Length(0, 1024)]
    public string? Reason { get; init; }
}
