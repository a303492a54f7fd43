using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Regions.Validation;

/// <summary>The rules of <c>spec.traffic</c>.</summary>
internal static class TrafficRules
{
    /// <summary>All problems.</summary>
    public static IEnumerable<SpecProblem> Check(TrafficSpec traffic)
    {
        if (traffic.PublicBaseUrl is not null && !Uri.TryCreate(traffic.PublicBaseUrl, UriKind.Absolute, out _))
            yield return new(
                "spec.traffic.publicBaseUrl",
                $"is {traffic.PublicBaseUrl}, which is not a valid URL. Use scheme and host, such as https://sho.rt."
            );
    }

    /// <summary>Warnings about values that are valid but probably unintended.</summary>
    public static IEnumerable<string> Warnings(TrafficSpec traffic)
    {
        if (traffic.PublicBaseUrl is { } url && url.StartsWith("http:", StringComparison.Ordinal))
            yield return $"spec.traffic.publicBaseUrl is {url}. Others on the network can read the traffic of such links. Use https.";
    }
}
