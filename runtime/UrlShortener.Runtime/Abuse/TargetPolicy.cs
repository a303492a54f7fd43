using System.Collections.Frozen;
using UrlShortener.Runtime.Hosts;

namespace UrlShortener.Runtime.Abuse;

/// <summary>Which targets a link may have. Build it once: the constructor normalises the own hosts.</summary>
/// <param name="MaxLength">Longest accepted URL, in UTF-16 characters of the string as given; at least 1.</param>
/// <param name="AllowPrivateHosts">
/// Accept loopback, private and reserved addresses and names that only resolve inside one network. For development and for intranet installations.
/// </param>
/// <param name="OwnHosts">
/// Hosts of this service, without scheme or port. A link to one of them would redirect to itself, so it is refused.
/// Any spelling is accepted: any case, a trailing dot, Unicode or punycode.
/// </param>
/// <exception cref="ArgumentException">An entry of <paramref name="OwnHosts"/> is not a host name or an IP address.</exception>
internal sealed record TargetPolicy(int MaxLength, bool AllowPrivateHosts, IReadOnlySet<string> OwnHosts)
{
    /// <summary>The own hosts in the form of <see cref="ParsedHost.Name"/>.</summary>
    public IReadOnlySet<string> OwnHosts { get; init; } = Normalise(OwnHosts);

    /// <summary>Whether a host is one of the own hosts, or an IPv6 address that leads to the IPv4 address of an own host.</summary>
    public bool IsOwn(ParsedHost host) =>
        OwnHosts.Contains(host.Name)
        || (host.Address is { } address && PrivateHosts.FindEmbeddedIpv4(address) is { } ipv4 && OwnHosts.Contains(ipv4.ToString()));

    private static FrozenSet<string> Normalise(IReadOnlySet<string> hosts)
    {
        return hosts.Select(NormaliseOne).ToFrozenSet(StringComparer.Ordinal);

        static string NormaliseOne(string host) =>
            TargetHost.TryParse(host, out var parsed, out var problem)
                ? parsed.Name
                : throw new ArgumentException($"Own host '{host}' is not usable: {problem} Give a host name without scheme and port.", nameof(hosts));
    }
}
