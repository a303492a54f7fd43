using k8s.Models;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Clusters;

/// <summary>Registers what controllers know of other clusters.</summary>
internal static class ClusterServices
{
    /// <summary>Adds it.</summary>
    /// <param name="services">The services.</param>
    /// <param name="cluster">Name of the operator's cluster; empty: it has none.</param>
    public static IServiceCollection AddClusters(this IServiceCollection services, string cluster)
    {
        var own = new OwnCluster(cluster);
        services.AddInformer<V1Secret>();
        services.AddInformer<V1Alpha1ShortenerRegion>(informer => informer.Transform = own.Mark);
        services.AddSingleton(own);
        services.AddSingleton<RemoteRegions>();
        return services.AddSingleton<ClusterClients>();
    }
}
