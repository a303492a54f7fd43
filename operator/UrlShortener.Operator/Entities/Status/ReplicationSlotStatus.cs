using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>The slot that keeps log for another region.</summary>
internal sealed record ReplicationSlotStatus
{
    /// <summary>The slot.</summary>
    [Description("Name of the slot.")]
    [Required]
    [Length(1, 64)]
    public string Name { get; init; } = "";

    /// <summary>As PostgreSQL says.</summary>
    [Description("Whether the log that it needs is kept: reserved, extended, unreserved or lost.")]
    [Length(0, 32)]
    public string? Status { get; init; }
}
