namespace UrlShortener.ControllerRuntime.Informers;

/// <summary>An <see cref="Informer{T}"/> of any kind, for probes and the host.</summary>
public interface IInformer
{
    /// <summary>The watched kind.</summary>
    string Kind { get; }

    /// <summary>Whether the cache has held all objects at least once.</summary>
    bool HasSynced { get; }

    /// <summary>Whether the server does not serve the kind.</summary>
    bool IsNotServed { get; }

    /// <summary>Whether the process can do without the kind.</summary>
    bool IsOptional { get; }

    /// <summary>Time since the last data from the server; over several namespaces, the longest.</summary>
    TimeSpan SilentFor { get; }

    /// <summary>Completes when <see cref="HasSynced"/>.</summary>
    Task WaitForSyncAsync(CancellationToken cancellationToken);

    /// <summary>Keeps the cache synced until cancelled.</summary>
    Task RunAsync(CancellationToken cancellationToken);
}
