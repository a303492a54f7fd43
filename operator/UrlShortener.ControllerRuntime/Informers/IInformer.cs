namespace UrlShortener.ControllerRuntime.Informers;

/// <summary>An <see cref="Informer{T}"/> of whatever kind, as probes and the host see it.</summary>
public interface IInformer
{
    /// <summary>The kind that it watches.</summary>
    string Kind { get; }

    /// <summary>Whether the cache has held all objects at least once.</summary>
    bool HasSynced { get; }

    /// <summary>Whether the server said that it does not serve the kind, and has not served it since.</summary>
    bool IsNotServed { get; }

    /// <summary>Time since the server was last heard from; over several namespaces, of the one that has been silent for longest.</summary>
    TimeSpan SilentFor { get; }

    /// <summary>Completes when <see cref="HasSynced"/>.</summary>
    Task WaitForSyncAsync(CancellationToken cancellationToken);

    /// <summary>Keeps the cache in step until cancelled.</summary>
    Task RunAsync(CancellationToken cancellationToken);
}
