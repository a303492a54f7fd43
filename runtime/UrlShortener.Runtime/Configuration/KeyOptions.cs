using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Keys</c>: the pool of short codes that are generated ahead of demand.</summary>
internal sealed class KeyOptions : IValidatableObject
{
    /// <summary>Unused codes in a full pool. Default 10,000.</summary>
    [Range(100, 1_000_000)]
    public int PoolSize { get; set; } = 10_000;

    /// <summary>Level at which the pool is refilled. Default 5,000.</summary>
    [Range(1, 1_000_000)]
    public int LowWatermark { get; set; } = 5_000;

    /// <summary>Codes claimed in one write. Default 1,000.</summary>
    [Range(1, 10_000)]
    public int BatchSize { get; set; } = 1_000;

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (LowWatermark >= PoolSize)
            yield return new ValidationResult($"must be below Keys:PoolSize ({PoolSize}).", [nameof(LowWatermark)]);
    }
}
