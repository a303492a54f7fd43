using System.ComponentModel.DataAnnotations;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Authentication</c>.</summary>
internal sealed class AuthenticationOptions
{
    /// <summary>Section <c>Authentication:Jwt</c>: how Bearer tokens are validated.</summary>
    public JwtOptions Jwt { get; set; } = new();
}

/// <summary>Bearer tokens (RFC 7519). Without an authority or a key, every Bearer token is refused.</summary>
internal sealed class JwtOptions : IValidatableObject
{
    /// <summary>OpenID Connect issuer whose published keys validate the tokens, an https URL.</summary>
    public Uri? Authority { get; set; }

    /// <summary>Base64 of the shared key for HS256, at least 32 bytes. A secret: set it by environment or file.</summary>
    public string? SigningKey { get; set; }

    /// <summary>Issuer (<c>iss</c>) that a token must carry. With an authority it defaults to the authority's own.</summary>
    public string? Issuer { get; set; }

    /// <summary>Audience (<c>aud</c>) that a token must carry. Required when tokens are accepted.</summary>
    public string? Audience { get; set; }

    /// <summary>Claim that holds the email address of one of our users. Default <c>email</c>.</summary>
    [Required(AllowEmptyStrings = false)]
    public string EmailClaim { get; set; } = "email";

    /// <summary>
    /// File of PEM certificates that the authority's https certificate must chain to, for an authority with a private CA. Unset: the system's CAs; on Linux,
    /// <c>SSL_CERT_FILE</c> and <c>SSL_CERT_DIR</c> set them.
    /// </summary>
    public string? CaPath { get; set; }

    /// <summary>Interval for reading the authority's keys again: the longest time that a withdrawn key still works. Default 5 min.</summary>
    [Range(typeof(TimeSpan), "00:05:00", "1.00:00:00")]
    public TimeSpan KeyRefreshInterval { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Shortest time between two reads of the authority's keys that are caused by tokens with an unknown key. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan KeyRetryInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether Bearer tokens are accepted at all.</summary>
    internal bool IsConfigured => Authority is not null || !string.IsNullOrEmpty(SigningKey);

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Authority is not null && !string.IsNullOrEmpty(SigningKey))
            yield return new ValidationResult("and Authentication:Jwt:Authority exclude each other; set one.", [nameof(SigningKey)]);
        if (Authority is not null && Authority.Scheme != Uri.UriSchemeHttps)
            yield return new ValidationResult("must be an https URL.", [nameof(Authority)]);
        if (!string.IsNullOrEmpty(SigningKey) && !IsLongBase64(SigningKey))
            yield return new ValidationResult("must be base64 of at least 32 bytes.", [nameof(SigningKey)]);
        if (IsConfigured && string.IsNullOrEmpty(Audience))
            yield return new ValidationResult("must be set when Bearer tokens are accepted.", [nameof(Audience)]);
        if (!string.IsNullOrEmpty(SigningKey) && string.IsNullOrEmpty(Issuer))
            yield return new ValidationResult("must be set with Authentication:Jwt:SigningKey.", [nameof(Issuer)]);
        if (!string.IsNullOrEmpty(CaPath) && FindProblem(CaPath) is { } problem)
            yield return new ValidationResult($"{CaPath} {problem}", [nameof(CaPath)]);
    }

    private static string? FindProblem(string path)
    {
        try
        {
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPemFile(path);
            return certificates.Count == 0 ? "holds no certificate in PEM form." : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            return $"cannot be read: {error.Message}";
        }
    }

    private static bool IsLongBase64(string text)
    {
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length) && length >= 32;
    }
}
