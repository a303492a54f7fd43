using Microsoft.Extensions.Primitives;
using UrlShortener.Runtime.Hosts;

namespace UrlShortener.Runtime.Configuration;

/// <summary>The hosts of this product, from <c>Links:OwnHosts</c> and from ASP.NET Core's <c>AllowedHosts</c>.</summary>
internal static class OwnHosts
{
    // Host names separated by semicolons; * means any host.
    private const string AllowedHostsKey = "AllowedHosts";

    /// <summary>Each host in canonical form, or <c>*.</c> and a name; empty: none is configured.</summary>
    public static IReadOnlyList<StringSegment> Of(LinkOptions links, IConfiguration configuration) =>
        [
            .. links
                .OwnHosts.Concat((configuration[AllowedHostsKey] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
                .Where(host => host != "*")
                .Select(host => (StringSegment)(TargetHost.TryParse(host, out var parsed, out _) ? parsed.Name : host)),
        ];
}
