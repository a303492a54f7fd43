using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace UrlShortener.Runtime.Hosts;

/// <summary>
/// Reads the host of a URL as browsers do (WHATWG URL, section 3.5), with a narrower alphabet: letters, digits, hyphen and underscore.
/// </summary>
internal static class TargetHost
{
    private const int MaxNameLength = 253;
    private const int MaxLabelLength = 63;

    // Decoding Punycode takes quadratic time. No text of this length maps to 253 characters unless someone built it to.
    private const int MaxTextLength = 512;
    private const string PunycodePrefix = "xn--";
    private const string LengthProblem = "The host is too long: a name has at most 253 characters and each part between dots at most 63. Give a shorter host.";
    private const string MalformedProblem = "The host is malformed. Use letters, digits, hyphens, underscores and single dots.";
    private const string IdnProblem = "The host is not a valid internationalised name (UTS 46). Correct its spelling.";

    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_");

    // UTS 46 since revision 31 maps the capital sharp s to the small one, as current browsers do. Older tables, which the system's ICU may use, use "ss".
    private const char CapitalSharpS = '\u1E9E';
    private const char SharpS = '\u00DF';

    // STD3 rules stay off because they refuse underscores, which real hosts have. Instead, the alphabet above is checked on the result. It also refuses
    // characters that become '/', '@' or a space only through the mapping, such as U+2100.
    private static readonly IdnMapping Idn = new();

    /// <summary>Reads a host.</summary>
    /// <param name="text">A name in Unicode or punycode, an IPv4 address in any spelling browsers know, or an IPv6 address in brackets; no port.</param>
    /// <param name="host">The host in canonical form.</param>
    /// <param name="problem">What is wrong and what to do.</param>
    public static bool TryParse(string text, out ParsedHost host, [NotNullWhen(false)] out string? problem)
    {
        host = default;
        if (text.Length == 0)
        {
            problem = "The URL has no host. Write it as https://host/path.";
            return false;
        }

        if (text.Length > MaxTextLength)
        {
            problem = LengthProblem;
            return false;
        }

        if (text[0] == '[')
            return TryParseIpv6(text, out host, out problem);

        // The mapping also turns full-width digits and ideographic dots into ASCII, so the code below sees the same text as a resolver.
        if (!TryMapToAscii(text, out var name))
        {
            problem = IdnProblem;
            return false;
        }

        if (WhatwgIpv4.EndsInNumber(name))
        {
            if (!WhatwgIpv4.TryParse(name, out var address))
            {
                problem = "The host ends in a number but is not an IPv4 address. Write four numbers from 0 to 255 with dots between them, or a name.";
                return false;
            }

            host = new ParsedHost(address.ToString(), address, IsConfusable: false);
            problem = null;
            return true;
        }

        return TryReadName(name, out host, out problem);
    }

    private static bool TryMapToAscii(string text, [NotNullWhen(true)] out string? name)
    {
        name = null;
        try
        {
            // ASCII is not mapped: IdnMapping refuses hyphens at the edge of a label, which the DNS and browsers allow.
            name = (Ascii.IsValid(text) ? text : Idn.GetAscii(text.Replace(CapitalSharpS, SharpS))).ToLowerInvariant();
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static bool TryReadName(string ascii, out ParsedHost host, [NotNullWhen(false)] out string? problem)
    {
        host = default;
        var name = ascii.EndsWith('.') ? ascii[..^1] : ascii;
        if (name.Length > MaxNameLength)
        {
            problem = LengthProblem;
            return false;
        }

        var labels = name.Split('.');
        for (var i = 0; i < labels.Length; i++)
        {
            var label = labels[i];
            if (label.Length == 0 || label.AsSpan().ContainsAnyExcept(NameCharacters))
            {
                problem = MalformedProblem;
                return false;
            }

            if (label.Length > MaxLabelLength)
            {
                problem = LengthProblem;
                return false;
            }

            if (label.StartsWith(PunycodePrefix, StringComparison.Ordinal) && !TryDecode(label, out labels[i]))
            {
                problem = IdnProblem;
                return false;
            }
        }

        host = new ParsedHost(name, null, Confusables.Contains(labels));
        problem = null;
        return true;
    }

    // Converting a label to Unicode and back must not change it; otherwise one name would have two spellings.
    private static bool TryDecode(string label, out string unicode)
    {
        unicode = label;
        try
        {
            unicode = Idn.GetUnicode(label);
            return !Ascii.IsValid(unicode) && Idn.GetAscii(unicode).Equals(label, StringComparison.Ordinal);
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static bool TryParseIpv6(string text, out ParsedHost host, [NotNullWhen(false)] out string? problem)
    {
        host = default;
        problem = "The IPv6 address is malformed. Write it in brackets and without a zone, such as [2606:4700::1111].";
        if (!text.EndsWith(']'))
            return false;

        // The alphabet excludes zones (RFC 6874) and prefixes, which IPAddress would accept.
        var inner = text.AsSpan(1, text.Length - 2);
        foreach (var c in inner)
        {
            if (!char.IsAsciiHexDigit(c) && c is not (':' or '.'))
                return false;
        }

        if (!IPAddress.TryParse(inner, out var address) || address.AddressFamily != AddressFamily.InterNetworkV6)
            return false;

        host = new ParsedHost($"[{address}]", address, IsConfusable: false);
        problem = null;
        return true;
    }
}
