using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using k8s.Models;
using UrlShortener.Contracts;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Election;
using UrlShortener.ControllerRuntime.Events;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.KeyPools;

/// <summary>Reconciles key pools: observe, plan, apply, command, write the status.</summary>
internal sealed class KeyPoolController(
    KeyPoolObserver observer,
    Applier applier,
    ResourceClient client,
    KgsClient kgs,
    KgsTokens tokens,
    Leadership leadership,
    EventRecorder events,
    KeyPoolTimings timings,
    TimeProvider time
) : IEntityController<V1Alpha1KeyPool>
{
    // By UID of the pool; removed with it.
    private readonly ConcurrentDictionary<string, KeyPoolMemory> _memory = new();

    /// <inheritdoc />
    public async Task<ReconciliationResult<V1Alpha1KeyPool>> ReconcileAsync(V1Alpha1KeyPool pool, CancellationToken cancellationToken)
    {
        var observed = await observer.ObserveAsync(pool, cancellationToken);
        // The same objects are applied to all clusters; the pool is filled where its region runs.
        if (observed.Region is { IsRemote: true })
            return ReconciliationResult<V1Alpha1KeyPool>.Success(pool);
        var memory = _memory.GetValueOrDefault(pool.Metadata.Uid, KeyPoolMemory.None);
        var plan = KeyPoolPlan.Of(pool, observed, memory.Workers, time.GetUtcNow());
        if (plan.Applies && observed.Region is { } region)
        {
            plan = plan with { Obstacle = await ApplyAsync(pool, region, observed, plan, cancellationToken) };
            await CommandAsync(pool, observed, plan, cancellationToken);
        }

        if (plan.StopsWorkers)
            await StopWorkersAsync(pool, cancellationToken);

        var now = time.GetUtcNow();
        var former = pool.Status;
        var (status, changed) = KeyPoolStatusRules.Build(pool, observed, plan, memory.AreNumbersDue(timings, now), now);
        pool = await client.PatchStatusAsync(pool, pool.WithStatus(status), FieldManagers.Status, cancellationToken);
        ConditionEvents.Record(events, pool, changed);
        // Based on the observed epoch: the answer to the command may be lost, and others may open epochs too.
        if (former?.Epoch is { } before && status.Epoch > before)
            events.Record(pool, EventSeverity.Normal, "EpochOpened", "OpenEpoch", $"Opened epoch {status.Epoch}; unused keys of older epochs are discarded.");
        KeyPoolMetrics.Set(pool, observed.Region?.Spec.Region ?? pool.Spec.RegionRef.Name, observed.Reading, status, now);
        _memory[pool.Metadata.Uid] = new KeyPoolMemory(plan.History, KeyPoolStatusRules.HasOtherNumbers(former, status) ? now : memory.NumbersAt);
        return plan.Obstacle is { Reason: Reasons.ApplyRefused } refused
            ? ReconciliationResult<V1Alpha1KeyPool>.Failure(pool, refused.Message)
            : ReconciliationResult<V1Alpha1KeyPool>.Success(pool, KeyPoolStatusRules.IntervalOf(observed.Reading, status, timings));
    }

    /// <inheritdoc />
    // Kubernetes' garbage collector deletes the objects of the pool.
    public Task<ReconciliationResult<V1Alpha1KeyPool>> DeletedAsync(V1Alpha1KeyPool pool, CancellationToken cancellationToken)
    {
        _memory.TryRemove(pool.Metadata.Uid, out _);
        KeyPoolMetrics.Remove(pool);
        return Task.FromResult(ReconciliationResult<V1Alpha1KeyPool>.Success(pool));
    }

    // Sets only the number: the rest of the Deployment follows from the region, and may be needed again.
    private async Task StopWorkersAsync(V1Alpha1KeyPool pool, CancellationToken cancellationToken)
    {
        var key = new ObjectKey(pool.Metadata.NamespaceProperty, KgsResources.NameOf(pool));
        var patch = new JsonObject { ["spec"] = new JsonObject { ["replicas"] = 0 } };
        await client.PatchAsync<V1Deployment>(key, patch, FieldManagers.Operator, cancellationToken);
        events.Record(pool, EventSeverity.Normal, "WorkersStopped", "Update", $"Stopped the workers: ShortenerRegion {pool.Spec.RegionRef.Name} is gone.");
    }

    // Applies independent objects even if others are refused. Workers need their token.
    private async Task<Obstacle?> ApplyAsync(
        V1Alpha1KeyPool pool,
        V1Alpha1ShortenerRegion region,
        ObservedKeyPool observed,
        KeyPoolPlan plan,
        CancellationToken cancellationToken
    )
    {
        var token = plan.MakesToken
            ? await applier.TryAsync(pool, $"Secret {plan.Token.Name}", () => MakeTokenAsync(pool, region, plan, cancellationToken))
            : null;
        var around = Obstacle.Of(
            await applier.EnsureAsync(pool, KgsResources.BuildService(pool, region), observed.Service, cancellationToken),
            await applier.EnsureAsync(pool, KgsResources.BuildDisruptionBudget(pool, region), observed.DisruptionBudget, cancellationToken),
            await applier.EnsureIfAsync(
                region.Spec.App.NetworkPolicy.Enabled,
                pool,
                () => KgsResources.BuildNetworkPolicy(pool, region),
                observed.NetworkPolicy,
                cancellationToken
            )
        );
        var workers =
            token is null && plan.Waiting is null
                ? await applier.EnsureAsync(
                    pool,
                    KgsResources.BuildDeployment(pool, region, plan.Process!, plan.Workers),
                    observed.Deployment,
                    cancellationToken
                )
                : null;
        return Obstacle.Of(token, workers, around);
    }

    // Created, never applied: an existing token must stay, even if the cache does not have it yet.
    private async Task<Obstacle?> MakeTokenAsync(V1Alpha1KeyPool pool, V1Alpha1ShortenerRegion region, KeyPoolPlan plan, CancellationToken cancellationToken)
    {
        var live = await client.GetAsync<V1Secret>(new ObjectKey(pool.Metadata.NamespaceProperty, plan.Token.Name), cancellationToken);
        if (live is null)
        {
            await client.CreateAsync(KgsResources.BuildToken(pool, region), FieldManagers.Operator, cancellationToken);
            events.Record(pool, EventSeverity.Normal, "TokenCreated", "Create", $"Created Secret {plan.Token.Name} with a new token for the workers.");
            return null;
        }

        return KgsResources.IsOwnToken(pool, region, live)
            ? null
            : new Obstacle(
                Reasons.NameTaken,
                $"Secret {plan.Token.Name} exists and does not belong to this KeyPool. Delete it, or reference it in "
                    + "spec.connections.kgsTokenSecretRef of the region."
            );
    }

    private async Task CommandAsync(V1Alpha1KeyPool pool, ObservedKeyPool observed, KeyPoolPlan plan, CancellationToken cancellationToken)
    {
        if (plan.BadEpoch is { } bad)
            events.Record(
                pool,
                EventSeverity.Warning,
                "EpochInvalid",
                "OpenEpoch",
                $"Ignored annotation {Labels.OpenEpoch}: \"{bad}\" is not a whole " + $"number from 1 to {Limits.MaxEpoch}."
            );
        if (
            (plan.OpensEpoch is null && !plan.Refills)
            || observed.AskedWorker is not { } pod
            || await tokens.ReadAsync(pool.Metadata.NamespaceProperty, plan.Token, cancellationToken) is not { } token
        )
            return;

        if (plan.OpensEpoch is { } epoch)
        {
            leadership.RequireToken();
            var answer = await kgs.OpenEpochAsync(pod, token, epoch, cancellationToken);
            if (!answer.IsSuccess)
                events.Record(pool, EventSeverity.Warning, "CommandFailed", "OpenEpoch", $"Could not open epoch {epoch}; retrying. {answer.Failure}");
        }

        if (plan.Refills)
        {
            leadership.RequireToken();
            var answer = await kgs.RefillAsync(pod, token, cancellationToken);
            if (answer.IsSuccess)
                events.Record(pool, EventSeverity.Normal, "RefillStarted", "Refill", $"Started a refill to {pool.Spec.TargetAvailable} keys.");
            else
                events.Record(pool, EventSeverity.Warning, "CommandFailed", "Refill", $"Could not start a refill; retrying. {answer.Failure}");
        }
    }
}
