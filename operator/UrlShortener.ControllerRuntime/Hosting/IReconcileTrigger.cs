using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Queue;

namespace UrlShortener.ControllerRuntime.Hosting;

/// <summary>Lets others than informers call for a reconcile: probers, informers of other clusters.</summary>
public interface IReconcileTrigger<TEntity>
{
    /// <summary>Calls for a reconcile of an object, if this process leads.</summary>
    void Enqueue(ObjectKey key, Lane lane);
}
