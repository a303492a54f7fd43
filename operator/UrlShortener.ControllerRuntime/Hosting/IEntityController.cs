using k8s;
using k8s.Models;

namespace UrlShortener.ControllerRuntime.Hosting;

/// <summary>
/// Reconciles objects of a kind. The host calls it with the newest known state, whatever the reason, and never concurrently for the same object. The object
/// is a copy and may be changed.
/// </summary>
public interface IEntityController<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    /// <summary>Reconciles an object that is not being deleted.</summary>
    Task<ReconciliationResult<TEntity>> ReconcileAsync(TEntity entity, CancellationToken cancellationToken);

    /// <summary>
    /// Forgets an object that is gone, such as its metrics. It is not called for objects that went while another process led or none did.
    /// </summary>
    Task<ReconciliationResult<TEntity>> DeletedAsync(TEntity entity, CancellationToken cancellationToken);
}
