using k8s;
using k8s.Models;

namespace UrlShortener.ControllerRuntime.Hosting;

/// <summary>Removes what an object has outside its cluster before the object goes.</summary>
public interface IEntityFinalizer<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    /// <summary>
    /// Called while the object is being deleted, until it succeeds; then the object may go. A success with a time to come back is not done yet. It must
    /// create nothing: the namespace may be going as well.
    /// </summary>
    Task<ReconciliationResult<TEntity>> FinalizeAsync(TEntity entity, CancellationToken cancellationToken);
}
