using System.Net;
using Microsoft.AspNetCore.HttpOverrides;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Http;

/// <summary>Accepts <c>X-Forwarded-For</c>, <c>-Proto</c> and <c>-Host</c> only from the configured proxies.</summary>
internal static class TrustedProxies
{
    private static readonly object Mark = new();

    /// <summary>Adds the middleware when proxies are configured. Without any, the headers are ignored.</summary>
    public static void UseTrustedProxies(this WebApplication app)
    {
        var proxies = app.Services.GetRequiredService<ProxyOptions>();
        if (proxies.Trusted.Length == 0)
            return;
        var forwarded = new ForwardedHeadersOptions
        {
            ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost,
            ForwardLimit = proxies.ForwardLimit,
        };
        // Loopback is in the list by default. Here it must be configured, like any other proxy.
        forwarded.KnownIPNetworks.Clear();
        forwarded.KnownProxies.Clear();
        foreach (var entry in proxies.Trusted)
        {
            if (ProxyOptions.TryParse(entry, out var network))
                forwarded.KnownIPNetworks.Add(network);
        }

        var networks = forwarded.KnownIPNetworks.ToArray();
        app.Use(
            (context, next) =>
            {
                // Must run before the next middleware replaces the proxy's address by the visitor's.
                if (context.Connection.RemoteIpAddress is { } peer && Array.Exists(networks, network => network.Contains(Unmap(peer))))
                    context.Items[Mark] = Mark;
                return next(context);
            }
        );
        app.UseForwardedHeaders(forwarded);
    }

    /// <summary>Whether the request came through a trusted proxy.</summary>
    public static bool IsTrusted(HttpContext context) => context.Items.ContainsKey(Mark);

    private static IPAddress Unmap(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
