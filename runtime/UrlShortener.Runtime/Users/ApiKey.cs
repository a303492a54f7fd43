using System.Security.Cryptography;
using System.Text;

namespace UrlShortener.Runtime.Users;

/// <summary>
/// API keys: <c>usk_</c> and 43 base62 characters, 256 bits from the system's generator. The prefix lets secret scanners find leaked keys. Only the SHA-256 is
/// stored: a slow hash protects guessable passwords, and these keys cannot be guessed.
/// </summary>
internal static class ApiKey
{
    private const string Prefix = "usk_";
    private const string Base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    // Too long to be one of our keys; skip hashing.
    private const int MaxLength = 128;

    /// <summary>Generates a key.</summary>
    public static string Generate() => Prefix + RandomNumberGenerator.GetString(Base62, 43);

    /// <summary>Whether a text has the prefix of a key. No other kind of token has it.</summary>
    public static bool HasForm(string text) => text.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>SHA-256 of a key as 64 lower-case hex digits; null for a text that cannot be a key.</summary>
    public static string? Hash(string key) => key.Length is 0 or > MaxLength ? null : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
}
