using System.Security.Cryptography;
using UrlShortener.Runtime.Links;

namespace UrlShortener.Runtime.Keys;

/// <summary>
/// Makes codes nobody can predict: 7 characters of base62, uniform, from the system's cryptographic generator; 3.5 × 10^12 of them. The specification's
/// <c>-</c> and <c>_</c> are left out because they break when a link is pasted into text.
/// </summary>
internal static class KeyGenerator
{
    /// <summary>Length of a generated code, in characters.</summary>
    public const int Length = 7;

    private const string Base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// <summary>A code that is neither reserved nor offensive. Uniqueness is the store's to decide.</summary>
    public static string Generate()
    {
        while (true)
        {
            var key = RandomNumberGenerator.GetString(Base62, Length);
            if (!ShortCode.IsReserved(key) && !OffensiveWords.Occurs(key))
                return key;
        }
    }
}
