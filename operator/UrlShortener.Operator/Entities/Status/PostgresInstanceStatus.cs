using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>One PostgreSQL server.</summary>
internal sealed record PostgresInstanceStatus
{
    /// <summary>Its pod.</summary>
    [Description("Pod of the server.")]
    [Required]
    [Length(1, 253)]
    public string Name { get; init; } = "";

    /// <summary>As Patroni says.</summary>
    [Description("Role that Patroni gave it: leader, standby_leader, sync_standby or replica.")]
    [Length(0, 32)]
    public string? Role { get; init; }

    /// <summary>As Patroni says.</summary>
    [Description("State that Patroni reports.")]
    [Length(0, 64)]
    public string? State { get; init; }

    /// <summary>Timeline.</summary>
    [Description("Timeline that it is on.")]
    public long? Timeline { get; init; }

    /// <summary>Behind the leader.</summary>
    [Description("Bytes of write-ahead log that it lacks.")]
    public long? LagBytes { get; init; }
}
