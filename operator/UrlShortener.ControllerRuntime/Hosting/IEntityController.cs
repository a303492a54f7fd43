using k8s;
using k8s.Models;

namespace UrlShortener.ControllerRuntime.Hosting;

/// <summary>
/// Brings the world in line with one object after the other. It is called with the newest state that is known, whatever the reason, and never twice at a
/// time for the same object. The object is a copy: it may be changed.
/// </summary>
public interface IEntityController<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    /// <summary>Brings the world in line with an object that is not being deleted.</summary>
    Task<ReconciliationResult<TEntity>> ReconcileAsync(TEntity entity, CancellationToken cancellationToken);

    /// <summary>
    /// Forgets an object that is gone, such as its metrics. It is not called for objects that went while another process led or none did.
    /// </summary>
    Task<ReconciliationResult<TEntity>> DeletedAsync(TEntity entity, CancellationToken cancellationToken);
}
