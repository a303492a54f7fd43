using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Timing;

namespace UrlShortener.ControllerRuntime.Informers;

/// <summary>
/// Keeps a cache of all objects of a kind synced with the API server, and notifies handlers of changes. Changes of one object arrive in order and one at a
/// time; everything that happened during a lost connection arrives as one change to the newest state.
/// </summary>
public sealed class Informer<T> : IInformer
    where T : class, IKubernetesObject<V1ObjectMeta>
{
    private const double ResyncSpread = 0.1;

    private readonly InformerOptions<T> _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Reflector<T>[] _reflectors;
    private readonly List<Action<ObjectChange<T>>> _handlers = [];
    private readonly TaskCompletionSource _synced = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Creates an informer. It does nothing before <see cref="RunAsync"/>.</summary>
    public Informer(ApiClient client, InformerOptions<T> options, TimeProvider time, ILogger<Informer<T>> logger)
    {
        _options = options;
        _time = time;
        _logger = logger;
        InformerMetrics.Prepare(Kind);
        Cache = new ObjectCache<T>(options.Indexers);
        string?[] namespaces = options.Namespaces is null or [] ? [null] : [.. options.Namespaces];
        _reflectors = [.. namespaces.Select(one => new Reflector<T>(client, one, options, Cache, Tell, ReportSynced, time, logger))];
    }

    /// <summary>The objects.</summary>
    public ObjectCache<T> Cache { get; }

    /// <inheritdoc/>
    public string Kind { get; } = ResourceType.Of<T>().Kind;

    /// <inheritdoc/>
    public bool HasSynced => _synced.Task.IsCompleted;

    /// <inheritdoc/>
    public bool IsNotServed => _reflectors.Any(reflector => reflector.IsNotServed);

    /// <inheritdoc/>
    public bool IsOptional => _options.Optional;

    /// <inheritdoc/>
    public TimeSpan SilentFor => _reflectors.Max(reflector => reflector.SilentFor);

    /// <summary>Adds a handler, before the informer runs. It must be quick. Its exceptions are logged, and it sees the object again at the next
    /// resync.</summary>
    public void Subscribe(Action<ObjectChange<T>> handler) => _handlers.Add(handler);

    /// <inheritdoc/>
    public Task WaitForSyncAsync(CancellationToken cancellationToken) => _synced.Task.WaitAsync(cancellationToken);

    /// <inheritdoc/>
    public Task RunAsync(CancellationToken cancellationToken) =>
        Task.WhenAll([.. _reflectors.Select(reflector => reflector.RunAsync(cancellationToken)), ResyncAsync(cancellationToken)]);

    private async Task ResyncAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(Jitter.Around(_options.Timings.Resync, ResyncSpread), _time, cancellationToken);
            foreach (var entity in Cache.GetAll())
                Tell(new ObjectChange<T>(entity, entity));
        }
    }

    private void ReportSynced()
    {
        if (_reflectors.All(reflector => reflector.HasSynced))
            _synced.TrySetResult();
    }

    private void Tell(ObjectChange<T> change)
    {
        foreach (var handler in _handlers)
        {
            try
            {
                handler(change);
            }
            catch (Exception e)
            {
                // A bug in one handler must neither hide the change from the others nor stop the watch.
                Log.HandlerFailed(_logger, Kind, ObjectKey.Of(change.Newest), e);
            }
        }

        InformerMetrics.CachedObjects.WithLabels(Kind).Set(Cache.Count);
    }
}
