using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Bodies</c>: memory for request bodies that are being received or processed. The defaults fit a pod of 512 MiB.</summary>
internal sealed class BodyOptions : IValidatableObject
{
    /// <summary>Bytes of bodies of all callers at the same time. Large bodies use at most three quarters of them. Default 48 MiB.</summary>
    [Range(1L << 20, 1L << 40)]
    public long MaxBytes { get; set; } = 48L << 20;

    /// <summary>Bytes of bodies of one user, or of one anonymous address, at the same time; also the largest body. Default 16 MiB.</summary>
    [Range(256L << 10, 1L << 30)]
    public long MaxBytesPerCaller { get; set; } = 16L << 20;

    /// <summary>Time in which a body must arrive. Default 60 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (MaxBytesPerCaller > MaxBytes / 4 * 3)
            yield return new ValidationResult("must be at most three quarters of Bodies:MaxBytes.", [nameof(MaxBytesPerCaller)]);
    }
}
