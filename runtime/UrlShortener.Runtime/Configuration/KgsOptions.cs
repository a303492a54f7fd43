using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Kgs</c>: the key generation service, which keeps the region's shared pool of codes filled. Needs PostgreSQL and Redis.</summary>
internal sealed class KgsOptions : IValidatableObject
{
    /// <summary>Codes in the region's pool when it is full. Default 1,000,000.</summary>
    [Range(1_000, 2_000_000_000)]
    public int TargetLevel { get; set; } = 1_000_000;

    /// <summary>Level below which the pool is refilled. Default 400,000.</summary>
    [Range(1, 2_000_000_000)]
    public int LowWatermark { get; set; } = 400_000;

    /// <summary>Level below which codes are generated at full speed, regardless of <see cref="MaxKeysPerSecond"/>. Default 100,000.</summary>
    [Range(1, 2_000_000_000)]
    public int CriticalWatermark { get; set; } = 100_000;

    /// <summary>Codes claimed in one statement. Default 10,000.</summary>
    [Range(100, 100_000)]
    public int BatchSize { get; set; } = 10_000;

    /// <summary>Batches in progress at the same time in this process. Default 2.</summary>
    [Range(1, 16)]
    public int Workers { get; set; } = 2;

    /// <summary>Most codes that this process generates per second, to leave capacity of PostgreSQL to others. Default 20,000.</summary>
    [Range(100, 1_000_000)]
    public int MaxKeysPerSecond { get; set; } = 20_000;

    /// <summary>Secret that callers of the service send as Bearer token, at least 32 characters. Required in the role <c>kgs</c>. If unset in another role, the
    /// service has no endpoints.</summary>
    public string? Token { get; set; }

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (LowWatermark >= TargetLevel)
            yield return new ValidationResult($"must be below Kgs:TargetLevel ({TargetLevel}).", [nameof(LowWatermark)]);
        if (CriticalWatermark >= LowWatermark)
            yield return new ValidationResult($"must be below Kgs:LowWatermark ({LowWatermark}).", [nameof(CriticalWatermark)]);
        if (!string.IsNullOrEmpty(Token) && Token.Length < 32)
            yield return new ValidationResult("must have at least 32 characters.", [nameof(Token)]);
    }
}
