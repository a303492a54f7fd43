using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Cors</c>: which web pages may call the API from a browser.</summary>
internal sealed class CrossOriginOptions : IValidatableObject
{
    /// <summary>Origins of those pages, such as <c>https://app.example.com</c>, compared exactly. None: browsers do not let other origins read the API's
    /// answers.</summary>
    public string[] AllowedOrigins { get; set; } = [];

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var origin in AllowedOrigins)
        {
            if (
                !Uri.TryCreate(origin, UriKind.Absolute, out var uri)
                || uri.Scheme is not ("http" or "https")
                || uri.GetLeftPart(UriPartial.Authority) != origin
            )
                yield return new ValidationResult(
                    $"has \"{origin}\", which is not an origin. Write scheme, host and port as browsers do, such as https://app.example.com; there is "
                        + "no wildcard.",
                    [nameof(AllowedOrigins)]
                );
        }
    }
}
