using System.Net;
using Microsoft.AspNetCore.HttpOverrides;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Http;

/// <summary>Believes <c>X-Forwarded-For</c>, <c>-Proto</c> and <c>-Host</c> from the configured proxies and from nobody else.</summary>
internal static class TrustedProxies
{
    private static readonly object Mark = new();

    /// <summary>Adds the middleware when there are proxies; without any the headers are never looked at.</summary>
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
        // Loopback is in the list by default; whoever wants it says so.
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
                // Before the next middleware puts the visitor's address in the proxy's place.
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
