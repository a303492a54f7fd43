using System.Buffers;
using System.Net;
using Microsoft.AspNetCore.HttpOverrides;
using UrlShortener.Runtime.Configuration;
using IPNetwork = System.Net.IPNetwork;

namespace UrlShortener.Runtime.Http;

/// <summary>Accepts <c>X-Forwarded-For</c>, <c>-Proto</c> and <c>-Host</c> only from the configured proxies.</summary>
internal sealed class TrustedProxies
{
    private const string ForwardedFor = "X-Forwarded-For";

    private static readonly object Mark = new();

    // Without ports, brackets, quotes and zones.
    private static readonly SearchValues<char> PlainAddress = SearchValues.Create("0123456789abcdefABCDEF.:");

    private readonly IPNetwork[] _networks;
    private readonly int _forwardLimit;

    public TrustedProxies(ProxyOptions options)
    {
        _forwardLimit = options.ForwardLimit;
        _networks = [.. options.Trusted.Select(entry => ProxyOptions.TryParse(entry, out var network) ? network : default(IPNetwork?)).OfType<IPNetwork>()];
    }

    /// <summary>Adds the middleware when proxies are configured. Without any, the headers are ignored.</summary>
    public static void Use(WebApplication app)
    {
        var proxies = app.Services.GetRequiredService<TrustedProxies>();
        if (proxies._networks.Length == 0)
            return;
        app.Use(
            (context, next) =>
            {
                // Must run before the next middleware replaces the proxy's address by the visitor's.
                if (proxies.IsConnectedBy(context))
                    context.Items[Mark] = Mark;
                return next(context);
            }
        );
        app.UseForwardedHeaders(proxies.HeadersOptions());
    }

    /// <summary>Whether the request came through a trusted proxy. After the middleware.</summary>
    public static bool IsTrusted(HttpContext context) => context.Items.ContainsKey(Mark);

    /// <summary>Whether the request came through a trusted proxy. Before the middleware, which replaces the address of the proxy.</summary>
    public bool IsConnectedBy(HttpContext context) => context.Connection.RemoteIpAddress is { } peer && Contains(peer);

    /// <summary>
    /// Finds the visitor's address before the middleware runs, which reads and writes all three headers and costs more than finding the link and answering.
    /// The address is the one that the middleware would find, or none: an entry that is more than an address, or a longer chain, is left to the middleware.
    /// </summary>
    public bool TryFindVisitor(HttpContext context, out Visitor visitor)
    {
        visitor = new Visitor(context.Connection.RemoteIpAddress, IsBehindProxy: false);
        if (_networks.Length == 0)
            return true;
        if (visitor.Address is not { } peer)
            return false;
        if (!Contains(peer))
            return true;
        visitor = visitor with { IsBehindProxy = true };
        var entries = context.Request.Headers[ForwardedFor];
        if (entries.Count == 0)
            return true;
        var last = entries[^1].AsSpan();
        var comma = last.LastIndexOf(',');
        var entry = comma < 0 ? last : last[(comma + 1)..].TrimStart(' ');
        if (entry.ContainsAnyExcept(PlainAddress) || !IPAddress.TryParse(entry, out var address))
            return false;
        // The entry before it counts if a proxy wrote that.
        if ((comma >= 0 || entries.Count > 1) && _forwardLimit > 1 && Contains(address))
            return false;
        visitor = visitor with { Address = address };
        return true;
    }

    /// <summary>What the middleware is given.</summary>
    internal ForwardedHeadersOptions HeadersOptions()
    {
        var options = new ForwardedHeadersOptions
        {
            ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost,
            ForwardLimit = _forwardLimit,
        };
        // Loopback is in the list by default. Here it must be configured, like any other proxy.
        options.KnownIPNetworks.Clear();
        options.KnownProxies.Clear();
        foreach (var network in _networks)
            options.KnownIPNetworks.Add(network);
        return options;
    }

    private bool Contains(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        foreach (var network in _networks)
        {
            if (network.Contains(address))
                return true;
        }

        return false;
    }
}

/// <summary>Who follows a link.</summary>
/// <param name="Address">The visitor's address, or that of a proxy that did not tell it; null: the connection has none.</param>
/// <param name="IsBehindProxy">Whether a trusted proxy passed the request on, so that its headers may be believed.</param>
internal readonly record struct Visitor(IPAddress? Address, bool IsBehindProxy)
{
    /// <summary>The visitor of a request that the middleware has handled.</summary>
    public static Visitor Of(HttpContext context) => new(context.Connection.RemoteIpAddress, TrustedProxies.IsTrusted(context));
}
