using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Informers;

namespace UrlShortener.ControllerRuntime.Hosting;

/// <summary>Another kind whose changes cause reconciles of a controller.</summary>
internal abstract class ControllerSource<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    /// <summary>Registers an informer of the kind.</summary>
    public abstract void Register(IServiceCollection services);

    /// <summary>Enqueues keys when objects of the kind change, and returns the informer to wait for.</summary>
    public abstract IInformer Attach(IServiceProvider services, ObjectCache<TEntity> own, Action<ObjectKey> enqueue);
}

/// <inheritdoc/>
internal sealed class ControllerSource<TEntity, TOther>(
    Func<TOther, ObjectCache<TEntity>, IEnumerable<ObjectKey>> map,
    Func<ObjectChange<TOther>, bool> isRelevant
) : ControllerSource<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
    where TOther : class, IKubernetesObject<V1ObjectMeta>
{
    /// <inheritdoc/>
    public override void Register(IServiceCollection services) => services.AddInformer<TOther>();

    /// <inheritdoc/>
    public override IInformer Attach(IServiceProvider services, ObjectCache<TEntity> own, Action<ObjectKey> enqueue)
    {
        var informer = services.GetRequiredService<Informer<TOther>>();
        informer.Subscribe(change =>
        {
            if (!isRelevant(change))
                return;
            // A change may move an object from one owner to another: both reconcile.
            foreach (var key in Find(change.Old, own).Concat(Find(change.New, own)).Distinct())
                enqueue(key);
        });
        return informer;
    }

    private IEnumerable<ObjectKey> Find(TOther? state, ObjectCache<TEntity> own) => state is null ? [] : map(state, own);
}
