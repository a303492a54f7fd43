using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace UrlShortener.Runtime.Clicks;

/// <summary>
/// The salt of a day: the secret under which its addresses are hashed. Its first byte names the function, so that all processes of a region use the same one.
/// Salts of earlier releases are 32 random bytes, without that byte.
/// </summary>
internal static class ClickSalt
{
    private const byte OfSipHash = 2;
    private const int KeysSize = 2 * SipHash.KeySize;

    /// <summary>Makes a salt of the newest kind: 33 bytes.</summary>
    public static byte[] Make() => [OfSipHash, .. RandomNumberGenerator.GetBytes(KeysSize)];

    /// <summary>Reads the keys of a salt that <see cref="Make"/> has made.</summary>
    /// <returns>Whether it is one. Any other salt is the key of HMAC-SHA-256.</returns>
    public static bool TryReadKeys(ReadOnlySpan<byte> salt, [NotNullWhen(true)] out (SipHash First, SipHash Second)? keys)
    {
        keys = salt is [OfSipHash, .. { Length: KeysSize } bytes] ? (SipHash.WithKey(bytes), SipHash.WithKey(bytes[SipHash.KeySize..])) : null;
        return keys is not null;
    }
}
