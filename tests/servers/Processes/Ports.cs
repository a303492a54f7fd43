using System.Net;
using System.Net.NetworkInformation;
using System.Security.Cryptography;

namespace UrlShortener.TestServers.Processes;

/// <summary>
/// Free ports of 127.0.0.1. They lie below those that the system gives to outgoing connections (from 32768), so that a server which was killed finds its
/// port free when it starts again.
/// </summary>
internal static class Ports
{
    /// <summary>How far the port between the nodes of a Redis cluster lies above the port for clients.</summary>
    public const int BusDistance = 10_000;

    private const int First = 20_100;
    private const int End = 32_700;

    private static readonly Lock Sync = new();

    private static readonly string Folder = Path.Combine(Path.GetTempPath(), "urlshortener-ports");

    /// <summary>
    /// What was given out, so that no port is given twice: neither before its server listens, nor while the server is down or a gate is closed. Each port has a
    /// file, which this process keeps locked until it ends: other processes give out ports, too. Guarded by <see cref="Sync"/>.
    /// </summary>
    private static readonly Dictionary<int, FileStream> Taken = [];

    /// <summary>A free port.</summary>
    public static int Take() => Take(First, End, _ => true);

    /// <summary>A free port whose bus port is free as well.</summary>
    public static int TakeWithBus() => Take(First, End - BusDistance, port => TryTake(port + BusDistance));

    private static int Take(int first, int end, Func<int, bool> andAlso)
    {
        lock (Sync)
        {
            var used = IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Select(endPoint => endPoint.Port).ToHashSet();
            for (var attempt = 0; attempt < end - first; attempt++)
            {
                var port = RandomNumberGenerator.GetInt32(first, end);
                if (!used.Contains(port) && !used.Contains(port + BusDistance) && TryTake(port) && andAlso(port))
                    return port;
            }
        }

        throw new InvalidOperationException($"No port from {first} to {end} is free.");
    }

    private static bool TryTake(int port)
    {
        if (Taken.ContainsKey(port))
            return false;
        Directory.CreateDirectory(Folder);
        try
        {
            Taken.Add(port, new FileStream(Path.Combine(Folder, $"{port}"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another process has it.
            return false;
        }
    }

    /// <summary>The address of a port.</summary>
    public static IPEndPoint EndPointOf(int port) => new(IPAddress.Loopback, port);
}
