using System.Collections.Concurrent;
using UrlShortener.ControllerRuntime.Hosting;

namespace UrlShortener.ControllerRuntime.Tests.Hosting;

/// <summary>What a test's controller does.</summary>
internal sealed class WidgetBehavior
{
    private readonly ConcurrentQueue<string> _calls = new();

    /// <summary>Called with the object and the number of the call, from 1.</summary>
    public Func<V1Widget, int, CancellationToken, Task> Reconcile { get; set; } = (_, _, _) => Task.CompletedTask;

    /// <summary>The calls so far, such as <c>reconcile a</c>.</summary>
    public IReadOnlyList<string> Calls => [.. _calls];

    public int Count(string call) => _calls.Count(one => one == call);

    public int Note(string what, V1Widget widget)
    {
        _calls.Enqueue($"{what} {widget.Metadata.Name}");
        return _calls.Count;
    }
}

/// <inheritdoc cref="WidgetBehavior"/>
internal sealed class WidgetController(WidgetBehavior behavior) : IEntityController<V1Widget>
{
    public async Task<ReconciliationResult<V1Widget>> ReconcileAsync(V1Widget entity, CancellationToken cancellationToken)
    {
        var call = behavior.Note("reconcile", entity);
        await behavior.Reconcile(entity, call, cancellationToken);
        behavior.Note("done", entity);
        return ReconciliationResult<V1Widget>.Success(entity);
    }

    public Task<ReconciliationResult<V1Widget>> DeletedAsync(V1Widget entity, CancellationToken cancellationToken)
    {
        behavior.Note("deleted", entity);
        return Task.FromResult(ReconciliationResult<V1Widget>.Success(entity));
    }
}
