using System.Collections.Frozen;
using Microsoft.AspNetCore.Routing.Patterns;

namespace UrlShortener.Runtime.Redirects;

/// <summary>
/// The product's own addresses beside the short URLs, such as /health. The route of short URLs accepts every method, so requests with a method that an own
/// address does not support arrive there. That endpoint then answers as routing would.
/// </summary>
internal sealed class OwnPages(IServiceProvider services)
{
    // Created on first use, when all endpoints are mapped.
    private readonly Lazy<FrozenDictionary<string, string>> _methods = new(() => Read(services.GetRequiredService<EndpointDataSource>().Endpoints));

    /// <summary>The methods that an address supports, as in <c>Allow</c>; null for an address that is not ours or supports all.</summary>
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

    // A single literal segment, perhaps followed by optional parameters: only such a path looks like a short URL.
    private static string? PathOf(RoutePattern pattern) =>
        pattern.PathSegments is [{ Parts: [RoutePatternLiteralPart literal] }, ..]
        && pattern.PathSegments.Skip(1).All(segment => segment.Parts is [RoutePatternParameterPart { IsOptional: true }])
            ? $"/{literal.Content}"
            : null;
}
