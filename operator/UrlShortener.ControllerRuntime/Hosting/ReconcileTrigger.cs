using UrlShortener.ControllerRuntime.Api;

namespace UrlShortener.ControllerRuntime.Hosting;

/// <summary>Requests reconciles by a controller for reasons outside the cluster's objects, such as a server that no longer answers.</summary>
/// <typeparam name="TController">The controller.</typeparam>
public sealed class ReconcileTrigger<TController>
{
    /// <summary>The host of the controller listens.</summary>
    internal event Action<ObjectKey>? Requested;

    /// <summary>Requests a reconcile of an object soon. Without effect while this process does not lead.</summary>
    public void Request(ObjectKey key) => Requested?.Invoke(key);
}
