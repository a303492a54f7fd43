using System.Collections.Concurrent;
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

/// <summary>Brings pools in line with their specification: observe, plan, apply, command, tell.</summary>
internal sealed class KeyPoolController(
    KeyPoolObserver observer, Applier applier, ResourceClient client, KgsClient kgs, KgsTokens tokens, Leadership leadership, EventRecorder events, TimeProvider time)
    : IEntityController<V1Alpha1KeyPool>
{
    // By identifier of the pool; goes with it.
    private readonly ConcurrentDictionary<string, KeyPoolMemory> _memory = new();

    /// <inheritdoc />
    public async Task<ReconciliationResult<V1Alpha1KeyPool>> ReconcileAsync(V1Alpha1KeyPool pool, CancellationToken cancellationToken)
    {
        var observed = await observer.ObserveAsync(pool, cancellationToken);
        var memory = _memory.GetValueOrDefault(pool.Metadata.Uid, KeyPoolMemory.None);
        var plan = KeyPoolPlan.Of(pool, observed, memory.Workers, time.GetUtcNow());
        if (plan.Applies && observed.Region is { } region)
        {
            plan = plan with { Obstacle = await ApplyAsync(pool, region, observed, plan, cancellationToken) };
            await CommandAsync(pool, observed, plan, cancellationToken);
        }

        var now = time.GetUtcNow();
        var former = pool.Status;
        var (status, changed) = KeyPoolStatusRules.Build(pool, observed, plan, memory.NumbersAt, now);
        pool = await client.PatchStatusAsync(pool, pool.WithStatus(status), FieldManagers.Status, cancellationToken);
        ConditionEvents.Record(events, pool, changed);
        // By what is seen: the answer to the command may have been lost, and the service be told by others.
        if (former?.Epoch is { } before && status.Epoch > before)
            events.Record(pool, EventSeverity.Normal, "EpochOpened", "OpenEpoch", $"Epoch {status.Epoch} is open: unused codes of older ones are void.");
        KeyPoolMetrics.Set(pool, observed.Reading, status);
        _memory[pool.Metadata.Uid] = new KeyPoolMemory(plan.History, KeyPoolStatusRules.HasOtherNumbers(former, status) ? now : memory.NumbersAt);
        return ReconciliationResult<V1Alpha1KeyPool>.Success(pool, KeyPoolStatusRules.IntervalOf(observed.Reading, status));
    }

    /// <inheritdoc />
    // What the pool owned goes with it, by the cluster's garbage collector.
    public Task<ReconciliationResult<V1Alpha1KeyPool>> DeletedAsync(V1Alpha1KeyPool pool, CancellationToken cancellationToken)
    {
        _memory.TryRemove(pool.Metadata.Uid, out _);
        KeyPoolMetrics.Remove(pool);
        return Task.FromResult(ReconciliationResult<V1Alpha1KeyPool>.Success(pool));
    }

    // What does not depend on each other is done, whatever becomes of the rest; returns what stands in the way.
    private async Task<Obstacle?> ApplyAsync(V1Alpha1KeyPool pool, V1Alpha1ShortenerRegion region, ObservedKeyPool observed, KeyPoolPlan plan, CancellationToken cancellationToken)
    {
        Obstacle?[] obstacles =
        [
            plan.MakesToken ? await MakeTokenAsync(pool, region, plan, cancellationToken) : null,
            await applier.EnsureAsync(pool, KgsResources.BuildService(pool, region), observed.Service, cancellationToken),
            await applier.EnsureAsync(pool, KgsResources.BuildDisruptionBudget(pool, region), observed.DisruptionBudget, cancellationToken),
            await applier.EnsureIfAsync(region.Spec.App.NetworkPolicy.Enabled, pool, () => KgsResources.BuildNetworkPolicy(pool, region), observed.NetworkPolicy, cancellationToken),
        ];
        if (obstacles.FirstOrDefault(obstacle => obstacle is not null) is { } first)
            return first;
        return plan.Waiting is null
            ? await applier.EnsureAsync(pool, KgsResources.BuildDeployment(pool, region, plan.Process!, plan.Workers), observed.Deployment, cancellationToken)
            : null;
    }

    // Created, never applied: a token that is there already must stay, even when the cache does not know it yet.
    private async Task<Obstacle?> MakeTokenAsync(V1Alpha1KeyPool pool, V1Alpha1ShortenerRegion region, KeyPoolPlan plan, CancellationToken cancellationToken)
    {
        var live = await client.GetAsync<V1Secret>(new ObjectKey(pool.Metadata.NamespaceProperty, plan.Token.Name), cancellationToken);
        if (live is null)
        {
            await client.CreateAsync(KgsResources.BuildToken(pool, region), FieldManagers.Operator, cancellationToken);
            events.Record(pool, EventSeverity.Normal, "TokenCreated", "Create", $"Created Secret {plan.Token.Name} with a new token for the workers.");
            return null;
        }

        return Owned.IsControlledBy(live, pool)
            ? null
            : new Obstacle(Reasons.NameTaken, $"Secret {plan.Token.Name} exists and does not belong to this object. Delete it, or name it by spec.connections.kgsTokenSecretRef of the region.");
    }

    private async Task CommandAsync(V1Alpha1KeyPool pool, ObservedKeyPool observed, KeyPoolPlan plan, CancellationToken cancellationToken)
    {
        if (plan.BadEpoch is { } bad)
            events.Record(pool, EventSeverity.Warning, "EpochInvalid", "OpenEpoch", $"Annotation {Labels.OpenEpoch} is \"{bad}\"; it must be a whole number from 1 to {Limits.MaxEpoch}.");
        if ((plan.OpensEpoch is null && !plan.Refills) || observed.AskedWorker is not { } pod
            || await tokens.ReadAsync(pool.Metadata.NamespaceProperty, plan.Token, cancellationToken) is not { } token)
            return;

        if (plan.OpensEpoch is { } epoch)
        {
            leadership.RequireToken();
            var answer = await kgs.OpenEpochAsync(pod, token, epoch, cancellationToken);
            if (!answer.IsSuccess)
                events.Record(pool, EventSeverity.Warning, "CommandFailed", "OpenEpoch", $"Epoch {epoch} could not be opened and is tried again. {answer.Failure}");
        }

        if (plan.Refills)
        {
            leadership.RequireToken();
            var answer = await kgs.RefillAsync(pod, token, cancellationToken);
            if (answer.IsSuccess)
                events.Record(pool, EventSeverity.Normal, "RefillStarted", "Refill", $"The pool is being filled to {pool.Spec.TargetAvailable} codes.");
            else
                events.Record(pool, EventSeverity.Warning, "CommandFailed", "Refill", $"The service could not be told to fill the pool; it is tried again. {answer.Failure}");
        }
    }
}
