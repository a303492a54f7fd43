using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Traffic;

/// <summary>Observes what decides about the traffic of a region: reads the caches.</summary>
internal sealed class TrafficObserver(
    Informer<V1Alpha1ShortenerRegion> regions,
    Informer<V1Service> services,
    Informer<V1Pod> pods,
    Informer<V1Alpha1DnsEndpoint> dnsEndpoints,
    Informer<V1HttpRoute> routes
)
{
    /// <summary>Index of regions by the host names that they ask to publish.</summary>
    public const string ByHostname = "hostname";

    /// <summary>The values of <see cref="ByHostname"/> of a region.</summary>
    public static IEnumerable<string> HostnamesOf(V1Alpha1ShortenerRegion region) =>
        region.Spec.Traffic.UsesDns() || region.Spec.Traffic.UsesRoute() ? region.Spec.Traffic.Hostnames : [];

    /// <summary>Reads the observed state.</summary>
    public ObservedTraffic Observe(V1Alpha1ShortenerRegion region)
    {
        var space = region.Metadata.NamespaceProperty;
        List<V1Alpha1ShortenerRegion> group =
        [
            .. regions.Cache.GetBy(RegionIndex.ByGroup, region.Spec.Group).Where(other => !other.IsRemote && TrafficMember.AreTogether(region, other)),
        ];
        var members = TrafficMember.Of(group);
        var writer = TrafficMember.WriterOf(members)?.Region;
        return new ObservedTraffic
        {
            Group = group,
            Others =
            [
                .. group
                    .SelectMany(HostnamesOf)
                    .Distinct(StringComparer.Ordinal)
                    .SelectMany(name => regions.Cache.GetBy(ByHostname, name))
                    .Where(other => !other.IsRemote && !TrafficMember.AreTogether(region, other))
                    .Distinct(),
            ],
            Service = Find(services, space, Names.Of(region.Metadata.Name, Names.App)),
            Dns = FindOwn(dnsEndpoints, region, TrafficResources.DnsSuffix),
            GroupDns = writer is { Spec.Traffic.Provider: not DnsProvider.AWS } ? FindOwn(dnsEndpoints, writer, TrafficResources.DnsSuffix) : null,
            Route = FindOwn(routes, region, TrafficResources.RouteSuffix),
            ServesDns = !dnsEndpoints.IsNotServed,
            ServesRoutes = !routes.IsNotServed,
        };
    }

    /// <summary>Pods of the region's app.</summary>
    public IEnumerable<V1Pod> PodsOf(V1Alpha1ShortenerRegion region) =>
        pods
            .Cache.GetBy(PodIndex.ByInstance, PodIndex.InstanceKey(region.Metadata.NamespaceProperty, Labels.InstanceValue(region.Metadata.Name)))
            .Where(pod => Labels.ComponentOf(pod.Metadata) == Names.App);

    /// <summary>Addresses of the region's Service; empty: it has none, or is no load balancer.</summary>
    public static IReadOnlyList<string> AddressesOf(V1Service? service)
    {
        var points = service?.Spec?.Type == "LoadBalancer" ? service.Status?.LoadBalancer?.Ingress ?? [] : [];
        var addresses = TrafficMember.Normalize(points.Select(point => point.Ip).Where(address => !string.IsNullOrEmpty(address)));
        // A load balancer that has both is known by its addresses.
        return addresses.Count > 0 ? [.. addresses.Take(MostTargets)]
            : points.Select(point => point.Hostname).FirstOrDefault(name => !string.IsNullOrEmpty(name)) is { } name ? [name]
            : [];
    }

    // As many as the specification can name.
    private const int MostTargets = 8;

    private static T? FindOwn<T>(Informer<T> informer, V1Alpha1ShortenerRegion region, string suffix)
        where T : class, IKubernetesObject<V1ObjectMeta> => Find(informer, region.Metadata.NamespaceProperty, Names.Of(region.Metadata.Name, suffix));

    private static T? Find<T>(Informer<T> informer, string space, string name)
        where T : class, IKubernetesObject<V1ObjectMeta> => informer.Cache.TryGet(new ObjectKey(space, name), out var found) ? found : null;
}
