using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Events;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Postgres;

/// <summary>Takes the steps of a rollout. It never acts on the cache alone: pod, StatefulSet and lock are read again.</summary>
internal sealed class PostgresActuator(ResourceClient client, EventRecorder events, TimeProvider time)
{
    /// <summary>Takes a step.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="step">The step.</param>
    /// <param name="memory">What is remembered.</param>
    /// <param name="cancellationToken">Ends the requests.</param>
    /// <returns>What is remembered from now on, and why the step was not taken; null: it was.</returns>
    public async Task<(PostgresMemory Memory, string? Refusal)> TakeAsync(
        V1Alpha1ShortenerRegion region,
        ObservedPostgres observed,
        RolloutStep step,
        PostgresMemory memory,
        CancellationToken cancellationToken
    )
    {
        var pod = observed.PodOf(step.Member)!;
        var now = time.GetUtcNow();
        switch (step)
        {
            case RolloutStep.Replace:
                if (await FindObjectionAsync(region, pod, cancellationToken) is { } objection)
                    return (memory, objection);
                await client.DeleteAsync(pod, cancellationToken);
                Tell(region, step, "MemberReplaced", $"Replaced the pod of {step.Member}: {step.Because}.");
                return (memory, null);
            case RolloutStep.Renew:
                var account = await client.GetAsync<V1ServiceAccount>(ObjectKey.Of(observed.ServiceAccount!), cancellationToken);
                var old = await client.GetAsync<V1Pod>(ObjectKey.Of(pod), cancellationToken);
                if (account is null || old?.Metadata.Uid != pod.Metadata.Uid || !TokenRenewal.IsOlder(old, account))
                    return (memory, $"{step.Member} has changed meanwhile");
                await client.DeleteAsync(pod, cancellationToken);
                Tell(region, step, "MemberReplaced", $"Replaced the pod of {step.Member}: {step.Because}.", EventSeverity.Warning);
                return (memory, null);
            case RolloutStep.Restart when memory.Connections is { } connections:
                var refused = await new PatroniClient(connections).RestartAsync(pod, cancellationToken);
                if (refused is null)
                    Tell(region, step, "MemberRestarted", $"Restarted PostgreSQL in {step.Member}: {step.Because}.");
                return (
                    memory with
                    {
                        RestartedAt = new Dictionary<string, DateTimeOffset>(memory.RestartedAt, StringComparer.Ordinal) { [step.Member] = now },
                    },
                    refused is null ? null : $"Patroni in {step.Member} refuses to restart PostgreSQL ({refused})"
                );
            case RolloutStep.Rebuild rebuild when memory.Connections is { } connections:
                var kept = await new PatroniClient(connections).RebuildAsync(pod, rebuild.OfPrimary, cancellationToken);
                if (kept is null)
                    Tell(
                        region,
                        step,
                        "MemberRebuilt",
                        $"Copies the primary{(rebuild.OfPrimary ? "" : " region")} anew into {step.Member}: {step.Because}.",
                        EventSeverity.Warning
                    );
                return (
                    memory with
                    {
                        RebuiltAt = new Dictionary<string, DateTimeOffset>(memory.RebuiltAt, StringComparer.Ordinal) { [step.Member] = now },
                    },
                    kept is null ? null : $"Patroni in {step.Member} refuses to copy the primary ({kept})"
                );
            case RolloutStep.Switchover move when memory.Connections is { } connections:
                if (await new PatroniClient(connections).SwitchoverAsync(pod, move.To, cancellationToken) is { } answer)
                    return (
                        memory with
                        {
                            SwitchoverNotBefore = now + PlannedSwitchover.Pause,
                        },
                        $"Patroni refuses to move the primary to {move.To} ({answer})"
                    );
                Tell(region, step, "PostgresSwitchoverStarted", $"Asked {move.Member} to hand the primary role over to {move.To}: {move.Because}.");
                return (memory with { Switchover = new PlannedSwitchover(move.Member, move.To, now) }, null);
            default:
                return (memory, null);
        }
    }

    private void Tell(V1Alpha1ShortenerRegion region, RolloutStep step, string reason, string message, EventSeverity severity = EventSeverity.Normal)
    {
        PostgresMetrics.CountStep(region, step);
        events.Record(region, severity, reason, "Rollout", message);
    }

    private async Task<string?> FindObjectionAsync(V1Alpha1ShortenerRegion region, V1Pod pod, CancellationToken cancellationToken)
    {
        var (space, name) = (region.Metadata.NamespaceProperty, pod.Metadata.Name);
        var live = await client.GetAsync<V1Pod>(ObjectKey.Of(pod), cancellationToken);
        var set = await client.GetAsync<V1StatefulSet>(new ObjectKey(space, PostgresNames.ScopeOf(region)), cancellationToken);
        if (live is null || live.Metadata.Uid != pod.Metadata.Uid || set is null || !PostgresRollout.IsOutdated(live, set))
            return $"{name} has changed meanwhile";
        if (region.Spec.Postgres!.Instances == 1 || RunningProcess.Of(live, PostgresNames.Container) is null)
            return null;
        var map = await client.GetAsync<V1ConfigMap>(new ObjectKey(space, PostgresNames.LeaderOf(region)), cancellationToken);
        return PatroniLock.Of(map)?.Leader == name ? $"{name} has become the primary meanwhile" : null;
    }
}
