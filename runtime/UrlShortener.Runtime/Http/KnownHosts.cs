using System.Diagnostics.CodeAnalysis;
using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Primitives;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Hosts;

namespace UrlShortener.Runtime.Http;

/// <summary>
/// The scheme and host under which a request's links are published. A client chooses the host in its request, so a host is used only if it is known to be ours:
/// only <c>Links:PublicBaseUrl</c> if set; else <c>Links:OwnHosts</c> and <c>AllowedHosts</c>; if none is set, loopback and the addresses listened on.
/// </summary>
internal sealed class KnownHosts(LinkOptions links, IConfiguration configuration, IServer server)
{
    private readonly string? _publicBase = links.PublicBaseUrl?.GetLeftPart(UriPartial.Authority);
    private readonly StringSegment[] _patterns = [.. OwnHosts.Of(links, configuration)];
    private readonly Lazy<HashSet<string>> _listenedOn = new(() => HostsOf(server.Features.Get<IServerAddressesFeature>()?.Addresses ?? []));

    /// <summary>Whether every request gets the same base, whatever host it names.</summary>
    public bool IsFixed => _publicBase is not null;

    /// <summary>Scheme and authority of short URLs, without a slash at the end; or the reason why those of the request cannot be used.</summary>
    /// <param name="request">The request, after forwarded headers of trusted proxies were applied.</param>
    /// <param name="baseUrl">The base.</param>
    /// <param name="problem">The answer to the request.</param>
    public bool TryGetBase(HttpRequest request, [NotNullWhen(true)] out string? baseUrl, [NotNullWhen(false)] out Problem? problem)
    {
        problem = null;
        if ((baseUrl = _publicBase) is not null)
            return true;
        var scheme =
            request.Scheme.Equals(Uri.UriSchemeHttps, StringComparison.OrdinalIgnoreCase) ? Uri.UriSchemeHttps
            : request.Scheme.Equals(Uri.UriSchemeHttp, StringComparison.OrdinalIgnoreCase) ? Uri.UriSchemeHttp
            : null;
        if (scheme is null)
            problem = Misdirected("The scheme in X-Forwarded-Proto must be http or https.");
        else if (!TargetHost.TryParse(request.Host.Host, out var host, out _))
            problem = Misdirected("Host, or X-Forwarded-Host of a trusted proxy, must name a host of this service.");
        else if (!IsKnown(host, request.HttpContext.Connection.LocalIpAddress))
            problem = Misdirected(
                $"The host {host.Name} is not known here. The operator of this service can add it to Links:OwnHosts, or set Links:PublicBaseUrl."
            );
        else
            baseUrl = request.Host.Port is { } port && port != DefaultPort(scheme) ? $"{scheme}://{host.Name}:{Text(port)}" : $"{scheme}://{host.Name}";
        return problem is null;
    }

    private bool IsKnown(ParsedHost host, IPAddress? local) =>
        _patterns.Length > 0
            ? HostString.MatchesAny(host.Name, _patterns)
            : host.Name == "localhost"
                || host.Name.EndsWith(".localhost", StringComparison.Ordinal)
                || (host.Address is { } address && (IPAddress.IsLoopback(address) || address.Equals(Unmap(local))))
                || _listenedOn.Value.Contains(host.Name);

    private static HashSet<string> HostsOf(IEnumerable<string> addresses) =>
        [
            .. from address in addresses
            let listen = BindingAddress.Parse(address)
            where !listen.IsUnixPipe && !listen.IsNamedPipe && TargetHost.TryParse(listen.Host, out _, out _)
            select listen.Host.ToLowerInvariant(),
        ];

    private static IPAddress? Unmap(IPAddress? address) => address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address;

    private static Problem Misdirected(string error) => Problem.Of(StatusCodes.Status421MisdirectedRequest, ErrorCode.UnknownHost, error);

    private static int DefaultPort(string scheme) => scheme == Uri.UriSchemeHttps ? 443 : 80;

    private static string Text(int port) => port.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>Refuses API requests for hosts that are not ours, and sets the base of short URLs for the others.</summary>
internal sealed class KnownHostMiddleware(RequestDelegate next, KnownHosts hosts)
{
    /// <summary>Answers 421, or passes the request on with its <see cref="PublicBase"/> set.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        if (!hosts.TryGetBase(context.Request, out var baseUrl, out var problem))
            return problem.WriteAsync(context);
        context.Features.Set(new PublicBase(baseUrl, hosts.IsFixed));
        return next(context);
    }
}

/// <summary>Where the links of a request are published.</summary>
/// <param name="Url">Scheme and authority, without a slash at the end.</param>
/// <param name="IsFixed">False: the URL depends on the host in the request, and shared caches must not reuse the answer.</param>
internal sealed record PublicBase(string Url, bool IsFixed)
{
    /// <summary>The base of a request that passed <see cref="KnownHostMiddleware"/>.</summary>
    public static PublicBase Of(HttpContext context) =>
        context.Features.Get<PublicBase>() ?? throw new InvalidOperationException("The request did not pass KnownHostMiddleware.");
}
