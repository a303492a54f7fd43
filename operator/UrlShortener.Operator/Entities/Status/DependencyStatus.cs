using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>A server that the app needs.</summary>
internal sealed record DependencyStatus
{
    /// <summary>Kind of the server.</summary>
    [Description("Server: postgres or redis.")]
    [Required]
    [Length(1, 32)]
    public string Name { get; init; } = "";

    /// <summary>Whether the app reaches it; null: not known.</summary>
    [Description("Whether the app reaches the server. If absent: not known, because no pod answers.")]
    public bool? Reachable { get; init; }

    /// <summary>Why not.</summary>
    [Description("Why the app does not reach the server.")]
    [Length(0, 1024)]
    public string? Reason { get; init; }
}
