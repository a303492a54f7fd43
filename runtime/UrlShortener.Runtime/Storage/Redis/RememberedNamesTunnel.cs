using System.Net;
using StackExchange.Redis.Configuration;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Redis;

/// <summary>Connects to the last known address of a server whose name cannot be resolved now. Not a tunnel, but where the client lets an address be
/// chosen.</summary>
internal sealed class RememberedNamesTunnel(RememberedNames names) : Tunnel
{
    /// <inheritdoc />
    public override async ValueTask<EndPoint?> GetSocketConnectEndpointAsync(EndPoint endpoint, CancellationToken cancellationToken) =>
        endpoint is DnsEndPoint name && (await names.ResolveAsync(name.Host, cancellationToken)).Addresses is [var address, ..]
            ? new IPEndPoint(address, name.Port)
            : endpoint;
}
