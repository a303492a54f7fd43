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
        if (traffic.UsesRoute() && traffic.GatewayRef is null)
            yield return new(
                "spec.traffic.gatewayRef",
                $"is missing, and spec.traffic.mode {traffic.Mode} needs it. Name the Gateway, or use mode DNSEndpoint."
            );
        foreach (var problem in CheckTargets(traffic.Targets ?? []))
            yield return problem;
        if (traffic.Mode == TrafficMode.None)
            yield break;
        foreach (var (index, name) in traffic.Hostnames.Index().Where(entry => !TargetText.IsName(entry.Item)))
            yield return new(
                $"spec.traffic.hostnames[{index}]",
                $"is {name}, which cannot be published. With spec.traffic.mode {traffic.Mode}, use names such as sho.rt: two labels or more, each of at most "
                    + "63 characters, and no IP address."
            );
    }

    /// <summary>Warnings about values that are valid but probably unintended.</summary>
    /// <param name="traffic">Names and targets.</param>
    /// <param name="service">The Service that has the addresses if there are no targets.</param>
    public static IEnumerable<string> Warnings(TrafficSpec traffic, ServiceSpec service)
    {
        if (traffic.PublicBaseUrl is { } url && url.StartsWith("http:", StringComparison.Ordinal))
            yield return $"spec.traffic.publicBaseUrl is {url}. Others on the network can read the traffic of such links. Use https.";
        if (traffic.UsesDns() && traffic.Targets is null && service.Type != "LoadBalancer")
            yield return "spec.traffic.targets is not set, and spec.app.service.type is not LoadBalancer. The region then has no address to publish. Set one "
                + "of them.";
    }

    private static IEnumerable<SpecProblem> CheckTargets(IReadOnlyList<string> targets)
    {
        foreach (var (index, target) in targets.Index().Where(entry => TargetText.FindAddress(entry.Item) is null && !TargetText.IsName(entry.Item)))
            yield return new($"spec.traffic.targets[{index}]", $"is {target}, which is neither an IP address nor a host name. Use one, such as 192.0.2.1.");
        if (targets.Count > 1 && targets.Any(target => TargetText.FindAddress(target) is null))
            yield return new(
                "spec.traffic.targets",
                "has a host name and something else. A DNS name can refer to addresses, or to one other name. Use addresses only, or one host name."
            );
    }
}
