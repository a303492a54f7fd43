using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace UrlShortener.Runtime.Hosts;

/// <summary>
/// The IPv4 parser of the WHATWG URL standard, section 3.5. Browsers also read decimal (2130706433), hexadecimal (0x7f.1), octal (0177.0.0.1)
/// and short (127.1) spellings, so a check that reads only dotted decimal can be bypassed.
/// </summary>
internal static class WhatwgIpv4
{
    /// <summary>The "ends in a number" check: such a host is either an IPv4 address or invalid.</summary>
    /// <param name="host">The host in lower-case ASCII, perhaps with a trailing dot.</param>
    public static bool EndsInNumber(ReadOnlySpan<char> host)
    {
        var name = WithoutTrailingDot(host);
        var last = name[(name.LastIndexOf('.') + 1)..];
        return !last.IsEmpty && (!last.ContainsAnyExceptInRange('0', '9') || TryParseNumber(last, out _));
    }

    /// <summary>The "IPv4 parser".</summary>
    /// <param name="host">The host in lower-case ASCII, perhaps with a trailing dot.</param>
    /// <param name="address">The address.</param>
    public static bool TryParse(ReadOnlySpan<char> host, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        var name = WithoutTrailingDot(host);
        if (name.Count('.') > 3)
            return false;

        var result = 0UL;
        var shift = 24;
        while (true)
        {
            var dot = name.IndexOf('.');
            if (!TryParseNumber(dot < 0 ? name : name[..dot], out var number))
                return false;

            if (dot < 0)
            {
                // The last number fills all remaining octets.
                if (number >= 1UL << (shift + 8))
                    return false;
                result |= number;
                break;
            }

            if (number > 255)
                return false;
            result |= number << shift;
            shift -= 8;
            name = name[(dot + 1)..];
        }

        address = new IPAddress([(byte)(result >> 24), (byte)(result >> 16), (byte)(result >> 8), (byte)result]);
        return true;
    }

    private static ReadOnlySpan<char> WithoutTrailingDot(ReadOnlySpan<char> host) => host.EndsWith('.') ? host[..^1] : host;

    // The "IPv4 number parser". All values beyond 32 bits are equally invalid, so the sum stops growing there.
    private static bool TryParseNumber(ReadOnlySpan<char> text, out ulong number)
    {
        number = 0;
        if (text.IsEmpty)
            return false;

        var radix = 10u;
        if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            radix = 16;
            text = text[2..];
        }
        else if (text.Length > 1 && text[0] == '0')
        {
            radix = 8;
            text = text[1..];
        }

        foreach (var c in text)
        {
            if (!char.IsAsciiHexDigit(c))
                return false;
            var digit = uint.Parse([c], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            if (digit >= radix)
                return false;
            number = Math.Min((number * radix) + digit, 1UL << 32);
        }

        return true;
    }
}
