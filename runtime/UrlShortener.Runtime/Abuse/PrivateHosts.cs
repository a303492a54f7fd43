using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using UrlShortener.Runtime.Hosts;

namespace UrlShortener.Runtime.Abuse;

/// <summary>
/// Hosts that have another meaning, or none, outside one network. A link to such a host attacks the visitor's own network, or works only for its author.
/// Names are checked by spelling and not resolved: the visitor follows the redirect, not this service.
/// </summary>
internal static class PrivateHosts
{
    // RFC 6761 (localhost, test, invalid), RFC 6762 (local and appendix G), RFC 8375 (home.arpa), ICANN 2024 (internal); svc is the suffix of Kubernetes
    // services.
    private static readonly string[] Names =
    [
        "corp",
        "home",
        "home.arpa",
        "internal",
        "intranet",
        "invalid",
        "lan",
        "local",
        "localdomain",
        "localhost",
        "private",
        "svc",
        "test",
    ];

    // Every range that the IANA IPv4 Special-Purpose Address Registry does not list as globally reachable, and multicast.
    private static readonly IPNetwork[] Ipv4 =
    [
        IPNetwork.Parse("0.0.0.0/8"), // this network, RFC 791
        IPNetwork.Parse("10.0.0.0/8"), // private, RFC 1918
        IPNetwork.Parse("100.64.0.0/10"), // carrier-grade NAT, RFC 6598
        IPNetwork.Parse("127.0.0.0/8"), // loopback, RFC 1122
        IPNetwork.Parse("169.254.0.0/16"), // link-local, RFC 3927; holds the metadata service of clouds
        IPNetwork.Parse("172.16.0.0/12"), // private, RFC 1918
        IPNetwork.Parse("192.0.0.0/24"), // protocol assignments, RFC 6890
        IPNetwork.Parse("192.0.2.0/24"), // documentation, RFC 5737
        IPNetwork.Parse("192.88.99.0/24"), // 6to4 relays, deprecated by RFC 7526
        IPNetwork.Parse("192.168.0.0/16"), // private, RFC 1918
        IPNetwork.Parse("198.18.0.0/15"), // benchmarks, RFC 2544
        IPNetwork.Parse("198.51.100.0/24"), // documentation, RFC 5737
        IPNetwork.Parse("203.0.113.0/24"), // documentation, RFC 5737
        IPNetwork.Parse("224.0.0.0/4"), // multicast, RFC 5771
        IPNetwork.Parse("240.0.0.0/4"), // reserved and broadcast, RFC 1112
    ];

    // IPv6 works the opposite way: only 2000::/3 is allocated for global use, so every address outside it is private, and so are the ranges below, inside it.
    private static readonly IPNetwork GlobalIpv6 = IPNetwork.Parse("2000::/3");

    private static readonly IPNetwork[] NotGlobalIpv6 =
    [
        IPNetwork.Parse("2001::/23"), // protocol assignments, RFC 2928; holds Teredo, which embeds an IPv4 address
        IPNetwork.Parse("2001:db8::/32"), // documentation, RFC 3849
        IPNetwork.Parse("3fff::/20"), // documentation, RFC 9637
    ];

    // Prefix of such addresses, and the offset in octets of the IPv4 address that receives the packet.
    private static readonly (IPNetwork Prefix, int Offset)[] EmbeddedIpv4 =
    [
        (IPNetwork.Parse("::ffff:0:0/96"), 12), // IPv4-mapped, RFC 4291
        (IPNetwork.Parse("64:ff9b::/96"), 12), // NAT64, RFC 6052
        (IPNetwork.Parse("2002::/16"), 2), // 6to4, RFC 3056
    ];

    /// <summary>The IPv4 address that receives a packet to an IPv6 address or, for 6to4, whose site the packet enters; null when there is none.</summary>
    public static IPAddress? FindEmbeddedIpv4(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return null;
        var octets = address.GetAddressBytes();
        foreach (var (prefix, offset) in EmbeddedIpv4)
        {
            if (IsWithin(prefix, octets))
                return new IPAddress(octets.AsSpan(offset, sizeof(uint)));
        }

        return null;
    }

    /// <summary>Whether the host is private, reserved, or local to one network.</summary>
    public static bool Contains(ParsedHost host)
    {
        if (host.Address is { } address)
            return Contains(address);

        if (!host.Name.Contains('.', StringComparison.Ordinal))
            return true;

        foreach (var name in Names)
        {
            if (host.Name.EndsWith(name, StringComparison.Ordinal) && (host.Name.Length == name.Length || host.Name[^(name.Length + 1)] == '.'))
                return true;
        }

        return false;
    }

    private static bool Contains(IPAddress address)
    {
        if (address.AddressFamily == AddressFamily.InterNetwork)
            return Array.Exists(Ipv4, network => network.Contains(address));

        if (FindEmbeddedIpv4(address) is { } embedded)
            return Contains(embedded);
        var octets = address.GetAddressBytes();
        return !IsWithin(GlobalIpv6, octets) || Array.Exists(NotGlobalIpv6, network => IsWithin(network, octets));
    }

    // IPNetwork.Contains is not used: it reads an IPv4-mapped address as IPv4 even in an IPv6 network, and finds ::ffff:10.0.0.1 within 2000::/3.
    private static bool IsWithin(IPNetwork network, ReadOnlySpan<byte> octets)
    {
        var difference = BinaryPrimitives.ReadUInt128BigEndian(network.BaseAddress.GetAddressBytes()) ^ BinaryPrimitives.ReadUInt128BigEndian(octets);
        return difference >> (128 - network.PrefixLength) == 0;
    }
}
