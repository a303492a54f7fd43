namespace UrlShortener.Runtime.Clicks;

/// <summary>Countries as files and proxies name them.</summary>
internal static class Country
{
    /// <summary>
    /// ISO 3166-1 alpha-2 in upper case; null for anything but two letters, and for the two codes that name no country: ZZ, which registries use for unknown,
    /// and XX, which proxies use. T1, Cloudflare's for Tor, is not two letters.
    /// </summary>
    public static string? Read(string? code) =>
        code is { Length: 2 } && char.IsAsciiLetter(code[0]) && char.IsAsciiLetter(code[1]) && code.ToUpperInvariant() is not ("ZZ" or "XX") and var upper
            ? upper
            : null;
}
