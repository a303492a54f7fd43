using System.Net;
using StackExchange.Redis.Configuration;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Redis;

/// <summary>Connects to the last known address of a server whose name cannot be resolved now. This is not a tunnel, but the client's only hook for choosing
/// an address.</summary>
internal sealed class RememberedNamesTunnel(RememberedNames names) : Tunnel
{
    /// <inheritdoc />
    public override async ValueTask<EndPoint?> GetSocketConnectEndpointAsync(EndPoint endpoint, CancellationToken cancellationToken) =>
        endpoint is DnsEndPoint name && (await names.ResolveAsync(name.Host, cancellationToken)).Addresses is [var address, ..]
            ? new IPEndPoint(address, name.Port)
            : endpoint;
}
