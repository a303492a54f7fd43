using System.Collections.Concurrent;
using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Election;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.ControllerRuntime.Queue;

namespace UrlShortener.ControllerRuntime.Hosting;

/// <summary>
/// Runs a controller: changes become keys in a queue, and workers take keys and reconcile. It starts when this process leads and all caches are synced;
/// before that, caches stay warm and nothing is queued. When it stops, running reconciles may finish.
/// </summary>
internal sealed class ControllerHost<TEntity> : BackgroundService, IHostedLifecycleService
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    /// <summary>Time for running reconciles when the process stops. The rest of its 30 s is for events and the lease.</summary>
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(20);

    private readonly ControllerDefinition<TEntity> _definition;
    private readonly Informer<TEntity> _informer;
    private readonly IInformer[] _informers;
    private readonly Reconciler<TEntity> _reconciler;
    private readonly WorkQueue<ObjectKey> _queue;
    private readonly Leadership _leadership;
    private readonly CancellationTokenSource _abort = new();

    /// <summary>Last states of deleted objects of which the controller was not notified yet.</summary>
    private readonly ConcurrentDictionary<ObjectKey, TEntity> _gone = new();

    /// <summary>Connects a controller to its informers, which must not run yet.</summary>
    public ControllerHost(
        ControllerDefinition<TEntity> definition,
        IEntityController<TEntity> controller,
        Informer<TEntity> informer,
        WorkQueue<ObjectKey> queue,
        Leadership leadership,
        IServiceProvider services,
        TimeProvider time,
        ILogger<ControllerHost<TEntity>> logger
    )
    {
        _definition = definition;
        _informer = informer;
        _queue = queue;
        _leadership = leadership;
        _reconciler = new Reconciler<TEntity>(definition, controller, time, logger);
        informer.Subscribe(Handle);
        _informers = [informer, .. definition.Sources.Select(source => source.Attach(services, informer.Cache, Enqueue))];
        ReconcileMetrics.Prepare(definition.Name, definition.Workers);
    }

    /// <summary>The controller's queue, for probes.</summary>
    public IWorkAges Ages => _queue;

    /// <summary>Requests a reconcile of an object soon.</summary>
    public void Enqueue(ObjectKey key)
    {
        // When a process starts to lead, it enqueues everything.
        if (_leadership.IsLeader)
            _queue.Add(key);
    }

    /// <summary>Stops intake. The host stops it in all controllers before it waits for any of them.</summary>
    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        _queue.Close();
        _abort.CancelAfter(DrainLimit);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _queue.Dispose();
        _abort.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.WhenAll(_informers.Select(informer => informer.WaitForSyncAsync(stoppingToken)));
        await _leadership.WaitAsync(stoppingToken);
        await using var lost = _leadership.Lost.Register(_queue.Close);
        foreach (var entity in _informer.Cache.GetAll())
            _queue.Add(ObjectKey.Of(entity));
        await Task.WhenAll(Enumerable.Range(0, _definition.Workers).Select(_ => WorkAsync(stoppingToken)));
    }

    private void Handle(ObjectChange<TEntity> change)
    {
        if (!_leadership.IsLeader)
            return;
        var key = ObjectKey.Of(change.Newest);
        if (change.New is null)
            _gone[key] = change.Old!;
        if (EntityChange.IsRelevant(change) || _definition.IsRelevantStatus(change.Old!, change.New!))
            _queue.Add(key);
    }

    private async Task WorkAsync(CancellationToken stoppingToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(_abort.Token, _leadership.Lost);
        while (!ended.IsCancellationRequested && await _queue.TakeAsync(stoppingToken) is { Key: var key })
        {
            try
            {
                await WorkOnAsync(key, ended.Token);
            }
            finally
            {
                _queue.Done(key);
            }
        }
    }

    private async Task WorkOnAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        var gone = _gone.GetValueOrDefault(key);
        _informer.Cache.TryGet(key, out var current);
        if (current is not null && !_definition.Takes(current))
        {
            _queue.Forget(key);
            return;
        }

        var outcome = await _reconciler.ReconcileAsync(key, current, gone, cancellationToken);
        ReconcileMetrics.Reconciles.WithLabels(_definition.Name, outcome.Result).Inc();
        if (gone is not null && !outcome.IsFailure)
            _gone.TryRemove(KeyValuePair.Create(key, gone));

        if (!outcome.IsFailure)
            _queue.Forget(key);
        if (outcome.After is { } after)
            _queue.AddAfter(key, after);
        else if (outcome.IsFailure)
            _queue.AddRateLimited(key);
    }
}
