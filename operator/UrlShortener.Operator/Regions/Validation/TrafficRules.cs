using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Regions.Validation;

/// <summary>The rules of <c>spec.traffic</c>.</summary>
internal static class TrafficRules
{
    /// <summary>All problems.</summary>
    public static IEnumerable<SpecProblem> Check(TrafficSpec traffic)
    {
        if (traffic.Mode is TrafficMode.GatewayAPI or TrafficMode.Both && traffic.GatewayRef is null)
            yield return new("spec.traffic.gatewayRef", $"is missing: mode {traffic.Mode} attaches an HTTPRoute to it. Name a Gateway, or use another mode.");
        if (traffic.Targets is not null && traffic.ServiceRef is not null)
            yield return new("spec.traffic.targets", "cannot be set together with spec.traffic.serviceRef. Remove one: either tells what is published.");
        if (traffic.PublicBaseUrl is not null && !Uri.TryCreate(traffic.PublicBaseUrl, UriKind.Absolute, out _))
            yield return new("spec.traffic.publicBaseUrl", $"is {traffic.PublicBaseUrl}, which is no URL. Write scheme and host, such as https://sho.rt.");
    }

    /// <summary>What is allowed but hardly meant.</summary>
    public static IEnumerable<string> Warnings(TrafficSpec traffic)
    {
        if (traffic.PublicBaseUrl is { } url && url.StartsWith("http:", StringComparison.Ordinal))
            yield return $"spec.traffic.publicBaseUrl is {url}: visitors and their links can be read on the way. Use https.";
        if (traffic.Weight == 0)
            yield return "spec.traffic.weight is 0: the region gets no traffic.";
    }
}
