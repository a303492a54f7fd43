using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.ControllerRuntime.Timing;

namespace UrlShortener.ControllerRuntime.Hosting;

/// <summary>Settings of a controller.</summary>
public sealed class ControllerDefinition<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    private readonly List<ControllerSource<TEntity>> _sources = [];

    /// <summary>Name in metrics and logs.</summary>
    public string Name { get; set; } = ResourceType.Of<TEntity>().Kind.ToLowerInvariant();

    /// <summary>Maximum number of concurrent reconciles.</summary>
    public int Workers { get; set; } = 4;

    /// <summary>Maximum duration of a reconcile. After it the token is cancelled, and the reconcile is retried.</summary>
    public TimeSpan ReconcileLimit { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Delays after failures of an object.</summary>
    public Backoff Backoff { get; set; } = Backoff.Reconcile;

    /// <summary>
    /// Which changes of an object's status cause a reconcile, such as those that another controller of the kind writes. Default: none.
    /// </summary>
    public Func<TEntity, TEntity, bool> IsRelevantStatus { get; set; } = (_, _) => false;

    /// <summary>Which objects the controller reconciles; it does nothing for the others. Must not change during the life of an object. Default: all.</summary>
    public Func<TEntity, bool> Takes { get; set; } = _ => true;

    /// <summary>Other kinds whose changes cause reconciles.</summary>
    internal IReadOnlyList<ControllerSource<TEntity>> Sources => _sources;

    /// <summary>Reconciles an object whenever an object that it controls changes.</summary>
    public ControllerDefinition<TEntity> Owns<TOwned>()
        where TOwned : class, IKubernetesObject<V1ObjectMeta> =>
        Watches<TOwned>((owned, _) => EntityChange.FindController<TEntity>(owned) is { } key ? [key] : []);

    /// <summary>Reconciles objects whenever a related object of another kind changes.</summary>
    /// <param name="map">Finds the objects to reconcile in the cache of the controller's own kind, for example through an index.</param>
    /// <param name="isRelevant">Which changes count, for objects that change often; null: all.</param>
    public ControllerDefinition<TEntity> Watches<TOther>(
        Func<TOther, ObjectCache<TEntity>, IEnumerable<ObjectKey>> map,
        Func<ObjectChange<TOther>, bool>? isRelevant = null
    )
        where TOther : class, IKubernetesObject<V1ObjectMeta>
    {
        _sources.Add(new ControllerSource<TEntity, TOther>(map, isRelevant ?? (_ => true)));
        return this;
    }
}
