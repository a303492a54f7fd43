using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Globalization;
using System.IO.Hashing;
using System.Net;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using UrlShortener.Runtime.Hosts;

namespace UrlShortener.Runtime.Abuse;

/// <summary>
/// Hosts and URLs that must not be linked to. Immutable, safe to share between threads. One million domains take about 40 MB.
/// </summary>
/// <remarks>
/// <para>One entry per line; empty lines and everything from a <c>#</c> on are ignored. An entry is one of:</para>
/// <list type="bullet">
/// <item>a host name in Unicode or punycode, which blocks the name and every name below it;</item>
/// <item>
/// an IPv4 address, which also blocks the IPv6 addresses that lead to it (IPv4-mapped, NAT64, 6to4), or an IPv6 address in brackets; an IPv4-mapped or
/// NAT64 address is treated as the IPv4 address inside it;
/// </item>
/// <item>
/// <c>sha256:</c> and 8 to 64 hexadecimal digits: the first digits of the SHA-256 of a canonical host (that host only, no names below it)
/// or of a canonical URL, both in ASCII.
/// </item>
/// </list>
/// <para>
/// The canonical host is <see cref="TargetVerdict.Host"/>. The canonical URL is the scheme in lower case, <c>://</c>, the canonical host,
/// <c>:</c> and the port in decimal unless it is 80 for http or 443 for https, the path (<c>/</c> if empty), and the query with its <c>?</c> if there
/// is one; path and query exactly as in <see cref="TargetVerdict.Location"/>, and no fragment. Example: <c>https://example.com/</c>.
/// </para>
/// </remarks>
internal sealed class Blocklist
{
    /// <summary>Largest number of line errors that <see cref="Parse"/> returns in full; further errors are only counted.</summary>
    public const int MaxReportedErrors = 100;

    private const string HashPrefix = "sha256:";
    private const int MinHashDigits = 8;
    private const int MaxHashDigits = 64;
    private const int ComparedHashDigits = 32;

    private static ReadOnlySpan<byte> SixToFour => [0x20, 0x02];

    // Names are stored as 128-bit fingerprints: no strings, and the lookup of a parent domain allocates nothing. An accidental collision is practically
    // impossible, and a deliberate one only blocks the name of its author.
    private readonly HashSet<UInt128> _names;

    // Hash prefixes by length in hexadecimal digits. Only the first 32 digits are compared: 128 bits of SHA-256 are enough to identify a name.
    private readonly FrozenDictionary<int, HashSet<UInt128>> _hashes;

    private Blocklist(HashSet<UInt128> names, Dictionary<int, HashSet<UInt128>> hashes)
    {
        _names = names;
        _hashes = hashes.ToFrozenDictionary();
        Count = names.Count + hashes.Values.Sum(set => set.Count);
    }

    /// <summary>An empty list, which blocks nothing.</summary>
    public static Blocklist Empty { get; } = new([], []);

    /// <summary>Number of distinct entries.</summary>
    public int Count { get; }

    /// <summary>Reads a list. Invalid lines are skipped and reported; the other lines take effect.</summary>
    /// <param name="reader">The lines; not closed.</param>
    /// <exception cref="IOException">The reader failed.</exception>
    public static BlocklistParse Parse(TextReader reader)
    {
        var names = new HashSet<UInt128>();
        var hashes = new Dictionary<int, HashSet<UInt128>>();
        var errors = new List<BlocklistLineError>();
        var errorCount = 0;
        for (var number = 1; reader.ReadLine() is { } line; number++)
        {
            var comment = line.IndexOf('#', StringComparison.Ordinal);
            var entry = (comment < 0 ? line : line[..comment]).Trim();
            if (entry.Length == 0)
                continue;

            var problem = entry.StartsWith(HashPrefix, StringComparison.OrdinalIgnoreCase)
                ? AddHash(entry.AsSpan(HashPrefix.Length), hashes)
                : AddName(entry, names);
            if (problem is null)
                continue;
            if (errorCount++ < MaxReportedErrors)
                errors.Add(new BlocklistLineError(number, problem));
        }

        names.TrimExcess();
        return new BlocklistParse(new Blocklist(names, hashes), errorCount, errors);
    }

    /// <summary>Whether a target is on the list.</summary>
    /// <param name="host">The host as in <see cref="TargetVerdict.Host"/>.</param>
    /// <param name="location">The URL as in <see cref="TargetVerdict.Location"/>.</param>
    public bool Blocks(string host, string location) => BlocksSpelling(host, location) || (FindIpv4(host) is { } ipv4 && BlocksSpelling(ipv4, location));

    private bool BlocksSpelling(string host, string location)
    {
        if (_names.Count != 0 && BlocksName(host))
            return true;
        return _hashes.Count != 0 && (BlocksHash(host) || BlocksHash(Canonicalise(host, location)));
    }

    /// <summary>The form of a URL that is hashed; see the remarks of <see cref="Blocklist"/>.</summary>
    /// <param name="host">The host as in <see cref="TargetVerdict.Host"/>.</param>
    /// <param name="location">The URL as in <see cref="TargetVerdict.Location"/>.</param>
    internal static string Canonicalise(string host, string location)
    {
        var isHttps = location.StartsWith("https:", StringComparison.OrdinalIgnoreCase);
        var rest = location.AsSpan(isHttps ? 8 : 7);
        var fragment = rest.IndexOf('#');
        if (fragment >= 0)
            rest = rest[..fragment];

        var pathStart = rest.IndexOfAny('/', '?');
        var authority = pathStart < 0 ? rest : rest[..pathStart];
        var path = pathStart < 0 ? [] : rest[pathStart..];
        var colon = authority.LastIndexOf(':');
        var port = colon > authority.LastIndexOf(']') ? authority[(colon + 1)..].TrimStart('0') : [];
        if (port.SequenceEqual(isHttps ? "443" : "80"))
            port = [];

        return string.Concat(isHttps ? "https://" : "http://", port.IsEmpty ? host : $"{host}:{port}", path.StartsWith('/') ? [] : "/", path);
    }

    private static string? AddName(string entry, HashSet<UInt128> names)
    {
        if (entry.StartsWith("*.", StringComparison.Ordinal))
            return "Leave out '*.': an entry blocks every name below it.";
        if (entry.AsSpan().ContainsAny('/', ' ', '\t'))
            return "An entry is a single host name without scheme and path, or sha256: and a hash.";
        if (!TargetHost.TryParse(entry, out var host, out var problem))
            return problem;
        // A 6to4 address is one of many in the site of its IPv4 address. The other forms contain nothing but the IPv4 address.
        var isAnotherSpelling = host.Address is { } address && !address.GetAddressBytes().AsSpan().StartsWith(SixToFour);
        names.Add(Fingerprint(isAnotherSpelling && FindIpv4(host.Name) is { } ipv4 ? ipv4 : host.Name));
        return null;
    }

    // The IPv4 address inside an IPv6 host in brackets, in canonical form.
    private static string? FindIpv4(string host) =>
        host.StartsWith('[') && IPAddress.TryParse(host.AsSpan(1, host.Length - 2), out var address)
            ? PrivateHosts.FindEmbeddedIpv4(address)?.ToString()
            : null;

    private static string? AddHash(ReadOnlySpan<char> digits, Dictionary<int, HashSet<UInt128>> hashes)
    {
        if (digits.Length is < MinHashDigits or > MaxHashDigits)
            return "A hash has 8 to 64 hexadecimal digits.";
        foreach (var c in digits)
        {
            if (!char.IsAsciiHexDigit(c))
                return "A hash consists of hexadecimal digits only.";
        }

        var compared = digits[..Math.Min(digits.Length, ComparedHashDigits)];
        ref var set = ref CollectionsMarshal.GetValueRefOrAddDefault(hashes, compared.Length, out _);
        set ??= [];
        set.Add(UInt128.Parse(compared, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
        return null;
    }

    private static UInt128 Fingerprint(ReadOnlySpan<char> name) => XxHash128.HashToUInt128(MemoryMarshal.AsBytes(name));

    private bool BlocksName(ReadOnlySpan<char> host)
    {
        // An address has no parents: 1.2.3.4 is not below 3.4. The last label of a name is never digits only, see WhatwgIpv4.
        var hasParents = !WhatwgIpv4.EndsInNumber(host) && !host.StartsWith('[');
        while (true)
        {
            if (_names.Contains(Fingerprint(host)))
                return true;
            var dot = host.IndexOf('.');
            if (dot < 0 || !hasParents)
                return false;
            host = host[(dot + 1)..];
        }
    }

    private bool BlocksHash(string text)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.ASCII.GetBytes(text), hash);
        var value = BinaryPrimitives.ReadUInt128BigEndian(hash);
        foreach (var (digits, prefixes) in _hashes)
        {
            if (prefixes.Contains(value >> (4 * (ComparedHashDigits - digits))))
                return true;
        }

        return false;
    }
}
