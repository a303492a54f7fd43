using k8s.Models;
using Microsoft.Extensions.DependencyInjection.Extensions;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Redis.Protocol;

namespace UrlShortener.Operator.Redis;

/// <summary>Registers the controller of Redis.</summary>
internal static class RedisServices
{
    private const int Workers = 32;

    /// <summary>Adds the controller of Redis, to the informers of the controller of regions.</summary>
    public static IServiceCollection AddRedisController(this IServiceCollection services)
    {
        services.AddInformer<V1StatefulSet>(informer =>
        {
            informer.LabelSelector = Labels.ManagedSelector;
            informer.Indexers[RedisObserver.ByOwner] = set =>
                set.Metadata.OwnerReferences?.Where(reference => reference.Controller == true).Select(reference => reference.Uid) ?? [];
        });
        services.TryAddSingleton<StoreCertificates>();
        services.AddSingleton<RedisClient>();
        services.AddSingleton<RedisObserver>();
        services.AddSingleton<RedisActuator>();
        services.AddSingleton<RedisSecrets>();
        services.AddSingleton<RedisProber>();
        services.AddHostedService(provider => provider.GetRequiredService<RedisProber>());
        return services.AddController<V1Alpha1ShortenerRegion, RedisController>(controller =>
        {
            controller.Name = "redis";
            controller.Takes = region => !region.IsRemote;
            // A reconcile waits for nodes that are silent. Others must not wait for it.
            controller.Workers = Workers;
            controller
                .Owns<V1StatefulSet>()
                .Owns<V1Service>()
                .Owns<V1ServiceAccount>()
                .Owns<V1ConfigMap>()
                .Owns<V1NetworkPolicy>()
                .Owns<V1PodDisruptionBudget>()
                .Owns<V1Secret>()
                .Watches<V1Pod>(FindOf);
        });
    }

    private static IEnumerable<ObjectKey> FindOf(V1Pod pod, ObjectCache<V1Alpha1ShortenerRegion> regions)
    {
        var key = new ObjectKey(pod.Metadata.NamespaceProperty, Labels.InstanceOf(pod.Metadata) ?? "");
        return Labels.ComponentOf(pod.Metadata) == Names.Redis && regions.TryGet(key, out _) ? [key] : [];
    }
}
