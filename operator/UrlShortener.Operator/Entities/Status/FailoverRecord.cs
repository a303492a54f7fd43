using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>A failover between regions that took place.</summary>
internal sealed record FailoverRecord
{
    /// <summary>The epoch that it opened.</summary>
    [Description("Epoch that it opened.")]
    public long? Epoch { get; init; }

    /// <summary>Former primary.</summary>
    [Description("Region that was primary.")]
    [Length(0, 63)]
    public string? From { get; init; }

    /// <summary>New primary.</summary>
    [Description("Region that became primary.")]
    [Length(0, 63)]
    public string? To { get; init; }

    /// <summary>Why.</summary>
    [Description("Why.")]
    [Length(0, 256)]
    public string? Cause { get; init; }

    /// <summary>When it began.</summary>
    [Description("Time at which it began.")]
    public DateTime? At { get; init; }

    /// <summary>How long writes stood still.</summary>
    [Description("Milliseconds that it took.")]
    public long? DurationMillis { get; init; }

    /// <summary>Log that was lost.</summary>
    [Description("Bytes of write-ahead log that were lost.")]
    public long? LostBytes { get; init; }
}
