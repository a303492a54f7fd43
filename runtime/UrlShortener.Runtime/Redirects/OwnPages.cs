using System.Collections.Frozen;
using Microsoft.AspNetCore.Routing.Patterns;

namespace UrlShortener.Runtime.Redirects;

/// <summary>
/// The product's own addresses beside the short URLs, such as /health. Short URLs take every method, so routing sends them what those do not take; they tell
/// of it as routing would.
/// </summary>
internal sealed class OwnPages(IServiceProvider services)
{
    // Made when first asked for: all endpoints are mapped by then.
    private readonly Lazy<FrozenDictionary<string, string>> _methods = new(() => Read(services.GetRequiredService<EndpointDataSource>().Endpoints));

    /// <summary>The methods that an address takes, as in <c>Allow</c>; null for one that is not ours or takes all.</summary>
    public string? FindMethods(PathString path) => _methods.Value.GetValueOrDefault(path.Value!.TrimEnd('/'));

    private static FrozenDictionary<string, string> Read(IEnumerable<Endpoint> endpoints) =>
        endpoints
            .OfType<RouteEndpoint>()
            .Select(endpoint => (Path: PathOf(endpoint.RoutePattern), Methods: endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? []))
            .Where(page => page.Path is not null && page.Methods.Count > 0)
            .GroupBy(page => page.Path!, page => page.Methods, StringComparer.OrdinalIgnoreCase)
            .ToFrozenDictionary(
                page => page.Key,
                page => string.Join(", ", page.SelectMany(methods => methods).Distinct().Order(StringComparer.Ordinal)),
                StringComparer.OrdinalIgnoreCase
            );

    // One literal segment, after which nothing need follow: what a short URL could be taken for.
    private static string? PathOf(RoutePattern pattern) =>
        pattern.PathSegments is [{ Parts: [RoutePatternLiteralPart literal] }, ..]
        && pattern.PathSegments.Skip(1).All(segment => segment.Parts is [RoutePatternParameterPart { IsOptional: true }])
            ? $"/{literal.Content}"
            : null;
}
