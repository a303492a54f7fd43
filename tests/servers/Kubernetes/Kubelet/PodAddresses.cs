using System.Collections.Concurrent;
using System.Net;
using System.Net.NetworkInformation;
using System.Security.Cryptography;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>Addresses of pods. None is given out twice by one process.</summary>
internal static class PodAddresses
{
    private static readonly ConcurrentDictionary<string, bool> Taken = new();

    /// <summary>An address of 127/8 on which nothing listens, outside of 127.0/16 where others do.</summary>
    public static string Take()
    {
        var used = IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Select(one => one.Address).ToHashSet();
        string address;
        do
        {
            // At random: another process that looks at the same time must not find the same one.
            address = $"127.{Byte(1, 255)}.{Byte(0, 256)}.{Byte(1, 255)}";
        } while (used.Contains(IPAddress.Parse(address)) || !Taken.TryAdd(address, true));

        return address;
    }

    /// <summary>An address of 100.64/10, on which nothing can listen. Unlike a loopback address, endpoints of a Service may have it.</summary>
    public static string TakeFake()
    {
        string address;
        do
        {
            address = $"100.{Byte(64, 128)}.{Byte(0, 256)}.{Byte(1, 255)}";
        } while (!Taken.TryAdd(address, true));

        return address;
    }

    private static int Byte(int from, int to) => RandomNumberGenerator.GetInt32(from, to);
}
