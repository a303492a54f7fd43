using System.Text.Json.Nodes;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Hosting;

namespace UrlShortener.ControllerRuntime.Tests.Hosting;

/// <summary>A second controller of the kind, which writes the size of the specification into the status.</summary>
internal sealed class PartController(ResourceClient client) : IEntityController<V1Widget>
{
    private int _reconciles;

    public int Reconciles => Volatile.Read(ref _reconciles);

    public async Task<ReconciliationResult<V1Widget>> ReconcileAsync(V1Widget entity, CancellationToken cancellationToken)
    {
        await client.ApplyStatusAsync(entity, new JsonObject { ["size"] = entity.Spec!.Size }, "part", cancellationToken);
        Interlocked.Increment(ref _reconciles);
        return ReconciliationResult<V1Widget>.Success(entity);
    }

    public Task<ReconciliationResult<V1Widget>> DeletedAsync(V1Widget entity, CancellationToken cancellationToken) =>
        Task.FromResult(ReconciliationResult<V1Widget>.Success(entity));
}
