using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Prometheus;

namespace UrlShortener.Runtime.Resilience;

/// <summary>Remembers the addresses that host names last resolved to, for use while no name server answers.</summary>
internal sealed partial class RememberedNames(TimeProvider time, ILogger<RememberedNames> logger)
{
    // A working resolver answers within milliseconds; libc waits up to half a minute for one that does not answer.
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);

    private static readonly Counter Remembered = Metrics.CreateCounter(
        "shortener_names_remembered_total",
        "Host names that could not be resolved and were answered from memory."
    );

    private readonly ConcurrentDictionary<string, IPAddress[]> _addresses = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, bool> _failing = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Returns the addresses of a host name or of a literal address. If the name cannot be resolved now, returns the last known addresses; empty if it
    /// was never resolved.</summary>
    /// <returns>The addresses, and whether they are from memory.</returns>
    public async ValueTask<(IPAddress[] Addresses, bool IsFromMemory)> ResolveAsync(string host, CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(host, out var literal))
            return ([literal], false);
        try
        {
            // libc ignores cancellation; the abandoned call keeps running.
            var addresses = await Dns.GetHostAddressesAsync(host, cancellationToken).WaitAsync(Timeout, time, cancellationToken);
            if (addresses.Length > 0)
            {
                _addresses[host] = addresses;
                if (_failing.TryRemove(host, out _))
                    Log.ResolvedAgain(logger, host);
                return (addresses, false);
            }
        }
        catch (Exception error) when (error is SocketException or TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            if (_failing.TryAdd(host, true))
                Log.NotResolved(logger, host, error.Message);
        }

        Remembered.Inc();
        return (_addresses.GetValueOrDefault(host, []), true);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Cannot resolve {Host}: {Cause} Using its last known addresses")]
        public static partial void NotResolved(ILogger logger, string host, string cause);

        [LoggerMessage(2, LogLevel.Information, "{Host} can be resolved again")]
        public static partial void ResolvedAgain(ILogger logger, string host);
    }
}
