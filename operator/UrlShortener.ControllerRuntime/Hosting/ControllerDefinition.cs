using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.ControllerRuntime.Timing;

namespace UrlShortener.ControllerRuntime.Hosting;

/// <summary>What a controller is called for, and how.</summary>
public sealed class ControllerDefinition<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    private readonly List<ControllerSource<TEntity>> _sources = [];

    /// <summary>Name in metrics and logs.</summary>
    public string Name { get; set; } = ResourceType.Of<TEntity>().Kind.ToLowerInvariant();

    /// <summary>How many objects are worked on at once, at most.</summary>
    public int Workers { get; set; } = 4;

    /// <summary>Longest time for one reconcile; its token is cancelled then, and it is tried again.</summary>
    public TimeSpan ReconcileLimit { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Waits after failures of an object.</summary>
    public Backoff Backoff { get; set; } = Backoff.Reconcile;

    /// <summary>Other kinds whose changes matter.</summary>
    internal IReadOnlyList<ControllerSource<TEntity>> Sources => _sources;

    /// <summary>Calls the controller whenever an object changes that one of its own controls.</summary>
    public ControllerDefinition<TEntity> Owns<TOwned>()
        where TOwned : class, IKubernetesObject<V1ObjectMeta> =>
        Watches<TOwned>((owned, _) => EntityChange.FindController<TEntity>(owned) is { } key ? [key] : []);

    /// <summary>Calls the controller whenever an object of another kind changes that matters to some of its own.</summary>
    /// <param name="map">The objects to look at, found in the cache of the controller's own kind, for instance through an index.</param>
    public ControllerDefinition<TEntity> Watches<TOther>(Func<TOther, ObjectCache<TEntity>, IEnumerable<ObjectKey>> map)
        where TOther : class, IKubernetesObject<V1ObjectMeta>
    {
        _sources.Add(new ControllerSource<TEntity, TOther>(map));
        return this;
    }
}
