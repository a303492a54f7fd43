using System.Buffers;
using System.Globalization;
using System.Text;
using UrlShortener.Runtime.Hosts;

namespace UrlShortener.Runtime.Abuse;

/// <summary>
/// Decides whether a URL may be the target of a link. Reads it as browsers do (WHATWG URL), and refuses URLs that browsers and .NET read differently,
/// so that the host that was checked is the host that a visitor reaches.
/// </summary>
internal static class TargetUrl
{
    /// <summary>
    /// Longest Location in characters, for URLs that percent-encoding makes longer than the policy's limit. Common proxies refuse a response head beyond 8 KiB.
    /// </summary>
    public const int MaxEncodedLength = 7_168;

    // Browsers escape '"', '<' and '>' in path, query and fragment (WHATWG URL, percent-encode sets). Escaping them here changes no request
    // and makes the value harmless in a page.
    private const string AlwaysEscaped = "\"<>";

    /// <summary>Checks a URL. Pure: does no lookups and never throws.</summary>
    /// <param name="url">
    /// The URL as given. ASCII spaces around it are trimmed and nothing else is: a copied space is the only mistake that cannot have a meaning.
    /// </param>
    /// <param name="policy">The limits.</param>
    /// <returns>The location to redirect to, which equals the input unless it must be converted to ASCII; or the problem.</returns>
    public static TargetVerdict Check(string? url, TargetPolicy policy)
    {
        if (string.IsNullOrEmpty(url))
            return TargetVerdict.Refuse("The URL is missing. Give an absolute URL that begins with http:// or https://.");
        if (url.Length > policy.MaxLength)
        {
            return TargetVerdict.Refuse(
                string.Create(CultureInfo.InvariantCulture, $"The URL has {url.Length} characters and the limit is {policy.MaxLength}. Give a shorter URL.")
            );
        }

        var text = url.Trim(' ');
        if ((FindInvisibleEnd(text) ?? FindCharacterProblem(text)) is { } characterProblem)
            return TargetVerdict.Refuse(characterProblem);

        var schemeLength =
            text.StartsWith("https://", StringComparison.OrdinalIgnoreCase) ? 8
            : text.StartsWith("http://", StringComparison.OrdinalIgnoreCase) ? 7
            : 0;
        if (schemeLength == 0)
            return TargetVerdict.Refuse("Only absolute web addresses can be shortened. Begin the URL with http:// or https://.");

        var authorityLength = text.AsSpan(schemeLength).IndexOfAny('/', '?', '#');
        var authority = authorityLength < 0 ? text.AsSpan(schemeLength) : text.AsSpan(schemeLength, authorityLength);
        if (authority.Contains('@'))
            return TargetVerdict.Refuse("The URL carries credentials or an '@' before its path, which hides the real host. Remove everything up to the '@'.");
        if (authority.Contains('%'))
            return TargetVerdict.Refuse("The host is percent-encoded. Write the host name itself.");
        if (!TrySplitPort(authority, out var hostText, out var port))
            return TargetVerdict.Refuse("The port must be a number from 1 to 65535. Correct it, or remove it together with its colon.");
        if (!TargetHost.TryParse(hostText.ToString(), out var host, out var hostProblem))
            return TargetVerdict.Refuse(hostProblem);

        if (policy.IsOwn(host))
            return TargetVerdict.Refuse("The URL points at this service, which would make a loop. Give the final address instead.");
        if (!policy.AllowPrivateHosts && PrivateHosts.Contains(host))
            return TargetVerdict.Refuse("The host is private, reserved or local to one network. Give a host that is reachable on the public Internet.");

        var location = BuildLocation(text, schemeLength, hostText, host, port, text.AsSpan(schemeLength + authority.Length));
        if (location.Length > Math.Max(policy.MaxLength, MaxEncodedLength))
        {
            return TargetVerdict.Refuse(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The URL has {location.Length} characters once percent-encoded and the limit is {MaxEncodedLength}. Give a shorter URL."
                )
            );
        }

        // A second parser must agree. If it reads the URL differently, clients may also differ on it.
        if (
            !Uri.TryCreate(location, UriKind.Absolute, out var uri)
            || uri.UserInfo.Length != 0
            || !uri.IdnHost.AsSpan().TrimEnd('.').Equals(host.Name.AsSpan().Trim("[]"), StringComparison.OrdinalIgnoreCase)
        )
        {
            return TargetVerdict.Refuse("The URL is malformed, and programs would disagree about where it leads. Write it in its plain form.");
        }

        return TargetVerdict.Accept(location, host.Name, host.IsConfusable);
    }

    // Characters that are copied together with a URL and belong to none. Inside a text, a joiner or a direction mark is part of words of some languages.
    private static string? FindInvisibleEnd(string text)
    {
        var end =
            FindInvisible(text.EnumerateRunes()) is { } first ? (Name: "begins", Character: first)
            : Rune.DecodeLastFromUtf16(text, out var last, out _) == OperationStatus.Done && IsInvisible(last) ? (Name: "ends", Character: last)
            : default;
        return end.Name is null
            ? null
            : string.Create(
                CultureInfo.InvariantCulture,
                $"The URL {end.Name} with an invisible character (U+{end.Character.Value:X4}), perhaps from copying. Remove it."
            );

        static Rune? FindInvisible(StringRuneEnumerator runes) => runes.MoveNext() && IsInvisible(runes.Current) ? runes.Current : null;
    }

    // Format characters except the tags that end the flags of some countries, white space beyond ASCII, and letters and signs that have no visible glyph.
    private static bool IsInvisible(Rune rune) =>
        (Rune.GetUnicodeCategory(rune) == UnicodeCategory.Format && rune.Value is not (>= 0xE0020 and <= 0xE007F))
        || (!rune.IsAscii && Rune.IsWhiteSpace(rune))
        || rune.Value is 0x034F or 0x115F or 0x1160 or 0x17B4 or 0x17B5 or 0x2800 or 0x3164 or 0xFFA0;

    // Browsers drop tabs and line ends, read '\' as '/', and replace lone surrogates; .NET does none of these.
    private static string? FindCharacterProblem(ReadOnlySpan<char> text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (char.IsControl(c))
                return "The URL contains a control character. Remove it.";
            if (char.IsWhiteSpace(c))
                return "The URL contains white space. Remove it, or write it as %20.";
            if (c == '\\')
                return "The URL contains a backslash. Write '/' or %5C.";
            if (!char.IsSurrogate(c))
                continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(c, text[i + 1]))
                return "The URL contains half of a character (a lone surrogate). Remove it.";
            i++;
        }

        return null;
    }

    private static bool TrySplitPort(ReadOnlySpan<char> authority, out ReadOnlySpan<char> host, out ReadOnlySpan<char> port)
    {
        // Only a colon after the bracket starts a port: colons inside belong to an IPv6 address.
        var colon = authority.LastIndexOf(':');
        if (colon <= authority.LastIndexOf(']'))
            colon = -1;
        host = colon < 0 ? authority : authority[..colon];
        port = colon < 0 ? [] : authority[(colon + 1)..];
        return colon < 0
            || (
                port.Length is > 0 and <= 5
                && !port.ContainsAnyExceptInRange('0', '9')
                && int.Parse(port, NumberStyles.None, CultureInfo.InvariantCulture) is > 0 and <= 65_535
            );
    }

    private static string BuildLocation(
        string text,
        int schemeLength,
        ReadOnlySpan<char> hostText,
        ParsedHost host,
        ReadOnlySpan<char> port,
        ReadOnlySpan<char> rest
    )
    {
        // IPv4 addresses such as 0x7f000001 or 127.1 are converted to dotted decimal, so that nobody can disguise an address. Other ASCII text stays as given.
        var isPlainHost =
            hostText.Equals(host.Name, StringComparison.OrdinalIgnoreCase)
            || (host.Address is null && hostText.EndsWith('.') && hostText[..^1].Equals(host.Name, StringComparison.OrdinalIgnoreCase))
            || hostText.StartsWith('[');
        if (isPlainHost && Ascii.IsValid(rest) && !rest.ContainsAny(AlwaysEscaped))
            return text;

        var location = new StringBuilder(text.Length + 32);
        location.Append(text, 0, schemeLength);
        if (isPlainHost)
            location.Append(hostText);
        else
            location.Append(host.Name);
        if (!port.IsEmpty)
            location.Append(':').Append(port);

        Span<byte> utf8 = stackalloc byte[4];
        foreach (var rune in rest.EnumerateRunes())
        {
            if (rune.IsAscii && !AlwaysEscaped.Contains((char)rune.Value))
            {
                location.Append((char)rune.Value);
                continue;
            }

            foreach (var octet in utf8[..rune.EncodeToUtf8(utf8)])
                location.Append('%').Append(octet.ToString("X2", CultureInfo.InvariantCulture));
        }

        return location.ToString();
    }
}
