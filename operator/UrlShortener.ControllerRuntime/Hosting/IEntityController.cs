using k8s;
using k8s.Models;

namespace UrlShortener.ControllerRuntime.Hosting;

/// <summary>
/// Reconciles objects of a kind. The host calls it with the newest known state, regardless of the reason, and never concurrently for the same object. The
/// object is the one in the cache, which others read too: copy it before you change it.
/// </summary>
public interface IEntityController<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    /// <summary>Reconciles an object that is not being deleted.</summary>
    Task<ReconciliationResult<TEntity>> ReconcileAsync(TEntity entity, CancellationToken cancellationToken);

    /// <summary>
    /// Cleans up after an object that was deleted, such as its metrics. Not called for objects that were deleted while another process led or none did.
    /// </summary>
    Task<ReconciliationResult<TEntity>> DeletedAsync(TEntity entity, CancellationToken cancellationToken);
}
