using System.Collections.Concurrent;
using System.Security.Cryptography.X509Certificates;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Events;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Redis.Cluster;
using UrlShortener.Operator.Redis.Protocol;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Redis;

/// <summary>Reconciles the Redis of regions: observe, plan, act, apply, write the status. What fails over comes first.</summary>
internal sealed class RedisController(
    RedisObserver observer,
    RedisActuator actuator,
    RedisProber prober,
    RedisSecrets secrets,
    StoreCertificates certificates,
    Applier applier,
    ResourceClient client,
    EventRecorder events,
    TimeProvider time
) : IEntityController<V1Alpha1ShortenerRegion>
{
    private static readonly TimeSpan HealthyInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BusyInterval = TimeSpan.FromSeconds(1);

    // After a step, its effect shows within a few rounds of gossip.
    private static readonly TimeSpan ActedInterval = TimeSpan.FromMilliseconds(250);

    // Each step of a move is short. The next one begins with a new look at all nodes.
    private static readonly TimeSpan MovingInterval = TimeSpan.FromMilliseconds(10);

    private static readonly TimeSpan CertificateInterval = TimeSpan.FromSeconds(10);

    // A webhook may change the labels again and again.
    private static readonly TimeSpan LabelInterval = TimeSpan.FromMinutes(1);

    // Somebody may give a node another password.
    private static readonly TimeSpan PasswordInterval = TimeSpan.FromMinutes(1);

    // By UID of the region; removed with it.
    private readonly ConcurrentDictionary<string, RedisMemory> _memories = new();

    private readonly StatusWriter _status = new(RedisStatusRules.Part, client);

    /// <inheritdoc />
    public async Task<ReconciliationResult<V1Alpha1ShortenerRegion>> ReconcileAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        region = _status.LatestOf(region);
        var observed = observer.Observe(region);
        if (region.Spec.Redis is null)
            return await RemoveAsync(region, observed, cancellationToken);
        observed = await observer.FindHiddenAsync(region, observed, cancellationToken);

        var obstacle = FindProblem(region);
        var applies = obstacle is null && !region.Spec.IsSuspended();
        // A Redis that runs keeps its Secrets also while the specification is invalid. A region that is suspended gets none back, and its nodes are looked after.
        var (access, passwords, serial, secretObstacle) =
            !applies && !observed.Exists ? default
            : region.Spec.IsSuspended() ? await FindAccessAsync(region, observed, cancellationToken)
            : await EnsureAccessAsync(region, observed, cancellationToken);
        var former = _memories.GetValueOrDefault(region.Metadata.Uid, new RedisMemory());
        var views = access is null ? [] : await observer.AskAsync(observed.Nodes, access, former, cancellationToken);
        var view = new ClusterView(observed.Nodes, views, former);
        var memory = former.Observe(view, time.GetUtcNow());
        var plan = RedisPlan.Of(region.Spec.Redis, view, memory, time.GetUtcNow(), applies);

        if (plan.SlotsToMove == 0)
            memory = memory with { MoveFailure = null };

        var (hasActed, failsOver) = (false, false);
        if (access is not null)
        {
            foreach (var action in plan.Actions)
            {
                hasActed = true;
                memory = memory.After(action.Act, time.GetUtcNow());
                if (action is RedisAction.MoveSlots move)
                    memory = await MoveAsync(region, move, memory, observed, access, cancellationToken);
                else if (await TakeAsync(region, action, observed, access, cancellationToken))
                {
                    if (action is RedisAction.Failover failover)
                        (failsOver, memory) = (true, memory.AfterFailover(failover.Shard, failover.From, failover.Cause, time.GetUtcNow()));
                    if (action is RedisAction.Retire retire)
                        memory = memory with { Retired = memory.Retired.SetItem(retire.Pod, retire.Process) };
                }
            }

            // What was done to the nodes is remembered also when something fails that follows.
            if (hasActed)
                _memories[region.Metadata.Uid] = memory with { Masters = former.Masters };

            // What the status tells must be the state after a failover, not the one that caused it.
            if (failsOver)
            {
                view = new ClusterView(observed.Nodes, await observer.AskAsync(observed.Nodes, access, memory, cancellationToken), memory);
                plan = plan with { Missing = RedisPlan.Of(region.Spec.Redis, view, memory, time.GetUtcNow(), applies).Missing };
            }
        }

        if (applies && access is not null)
            memory = await RenewCertificatesAsync(view, memory, access, serial!, cancellationToken);
        if (applies && access is not null && plan.Actions.Count == 0)
            memory = await RotateAsync(region, observed, view, plan, memory, passwords!, access, cancellationToken);
        if (applies)
        {
            var unlabelled = observed.FindMissingLabels(region).Where(one => !memory.DidWithin(LabelsOf(one.Pod), LabelInterval, time.GetUtcNow())).ToList();
            memory = unlabelled.Aggregate(memory, (former, one) => former.After(LabelsOf(one.Pod), time.GetUtcNow()));
            obstacle = Obstacle.Of(
                secretObstacle,
                await ApplyAsync(region, observed, plan, cancellationToken),
                await RestoreLabelsAsync(region, unlabelled, cancellationToken)
            );
        }

        var (status, conditions, failovers) = RedisStatusRules.Build(
            region,
            observed,
            view,
            plan,
            obstacle,
            memory with
            {
                Masters = former.Masters,
            },
            passwords is null ? null : BegunOf(passwords),
            time.GetUtcNow()
        );
        // A failover is told when it leaves the memory: if a write fails that follows, the next reconcile no longer finds it.
        _memories[region.Metadata.Uid] = memory.Observe(view, time.GetUtcNow()).After(failovers);
        foreach (var failover in failovers)
            Tell(region, failover);
        // The app starts with it, so it exists only when there is something to connect to.
        if (applies && passwords is not null && (observed.Connection is not null || status.State == RedisState.Ready))
            obstacle = Obstacle.Of(obstacle, await secrets.EnsureConnectionAsync(region, passwords, observed.Connection, cancellationToken));
        await _status.WriteAsync(region, status, conditions.Conditions, cancellationToken);
        ConditionEvents.Record(events, region, conditions.Changed);
        RedisMetrics.Set(region, view, plan, status, conditions);
        if (access is not null)
            Watch(region, view, access);
        return obstacle is { Reason: Reasons.ApplyRefused } refused
            ? ReconciliationResult<V1Alpha1ShortenerRegion>.Failure(region, refused.Message)
            : ReconciliationResult<V1Alpha1ShortenerRegion>.Success(
                region,
                plan.Actions.Any(action => action is RedisAction.MoveSlots) && memory.MoveFailure is null ? MovingInterval
                    : hasActed || memory.RotatesOn ? ActedInterval
                    : memory.PasswordWaits is not null ? BusyInterval
                    : status.State == RedisState.Ready && plan.Scaling is null ? HealthyInterval
                    : BusyInterval
            );
    }

    /// <inheritdoc />
    // Kubernetes' garbage collector deletes the objects of the region.
    public Task<ReconciliationResult<V1Alpha1ShortenerRegion>> DeletedAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        Forget(region);
        certificates.Forget(region);
        _status.Forget(region);
        return Task.FromResult(ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region));
    }

    private static Obstacle? FindProblem(V1Alpha1ShortenerRegion region) =>
        NameRules.Check(region.Metadata).Concat(RedisRules.Check(region.Spec)).ToList() is { Count: > 0 } problems
            ? new Obstacle(Reasons.InvalidSpec, string.Join(' ', problems.Select(problem => problem.ToString())))
            : null;

    private async Task<(RedisAccess? Access, RedisPasswords? Passwords, string? Serial, Obstacle? Obstacle)> EnsureAccessAsync(
        V1Alpha1ShortenerRegion region,
        ObservedRedis observed,
        CancellationToken cancellationToken
    )
    {
        var (set, noCertificates) = await certificates.EnsureAsync(region, Names.Redis, RedisNames.CertificateNamesOf(region), observed.Tls, cancellationToken);
        var (passwords, noPassword) = await secrets.EnsurePasswordAsync(region, observed.Auth, cancellationToken);
        using var serving = set is null ? null : X509Certificate2.CreateFromPem(set.Serving.CertificatePem);
        return (AccessOf(region, set, passwords), passwords, serving?.SerialNumber, Obstacle.Of(noCertificates, noPassword));
    }

    private async Task<(RedisAccess? Access, RedisPasswords? Passwords, string? Serial, Obstacle? Obstacle)> FindAccessAsync(
        V1Alpha1ShortenerRegion region,
        ObservedRedis observed,
        CancellationToken cancellationToken
    )
    {
        var set = await certificates.FindAsync(region, Names.Redis, observed.Tls, cancellationToken);
        var passwords = await secrets.FindPasswordAsync(region, cancellationToken);
        return (AccessOf(region, set, passwords), passwords, null, null);
    }

    private static RedisAccess? AccessOf(V1Alpha1ShortenerRegion region, CertificateSet? set, RedisPasswords? passwords) =>
        set is null || passwords is null ? null : new RedisAccess(passwords.Current, set.Bundle, RedisNames.HostOf(region), passwords.Others);

    // Until one password is left, one step in each reconcile. Nodes are asked again after each change of the Secret, and after each start of a node: it may have
    // started with the former password.
    private async Task<RedisMemory> RotateAsync(
        V1Alpha1ShortenerRegion region,
        ObservedRedis observed,
        ClusterView view,
        RedisPlan plan,
        RedisMemory memory,
        RedisPasswords passwords,
        RedisAccess access,
        CancellationToken cancellationToken
    )
    {
        const string Act = "passwords";
        memory = memory with { RotatesOn = false };
        if (view.Owners.Count == 0)
            return memory;
        var pods = view.Pods.Where(view.IsNeeded).ToList();
        var digest = Digest.Of([observed.Auth?.Metadata.ResourceVersion ?? "", .. pods.Select(pod => pod.Process ?? pod.Name)]);
        var next = PasswordRotation.FindNext(region.Status?.Redis?.PasswordRotation, PasswordRotation.RequestOf(region), BegunOf(passwords), isSettled: true);
        if (memory.PasswordsSettledFor == digest && (next is not null || memory.DidWithin(Act, PasswordInterval, time.GetUtcNow())))
            return next is { } request && await secrets.RotateAsync(region, passwords, request, cancellationToken) is null
                ? memory with
                {
                    PasswordsSettledFor = null,
                    PasswordWaits = "The nodes are given the new password",
                    RotatesOn = true,
                }
                : memory;
        if (memory.PasswordWaits is not null && memory.DidWithin(Act, BusyInterval, time.GetUtcNow()))
            return memory;
        var says = await actuator.AskPasswordsAsync(pods, access, cancellationToken);
        var step = PasswordStep.Next(passwords, pods, says, plan.Missing, observed.AppPods);
        memory = memory.After(Act, time.GetUtcNow());
        switch (step)
        {
            case PasswordStep.Wait wait:
                // Each loss of a node would look like a rotation otherwise.
                var isUnderWay = passwords.Others.Count > 0 || next is not null || says.Values.Any(node => node?.Accepted.Count > 1);
                return memory with { PasswordsSettledFor = null, PasswordWaits = isUnderWay ? wait.For : null };
            case PasswordStep.Done:
                if (region.Status?.Redis?.PasswordRotation is { State: PasswordRotationState.Started })
                    events.Record(region, EventSeverity.Normal, "PasswordRotated", "Update", "Redis accepts only the new password.");
                return memory with { PasswordsSettledFor = digest, PasswordWaits = null };
            case PasswordStep.Write write:
                // First the connection: it has all that is needed if the other Secret is lost.
                var refused =
                    (observed.Connection is null ? null : await secrets.EnsureConnectionAsync(region, write.Passwords, observed.Connection, cancellationToken))
                    ?? await secrets.StoreAsync(region, write.Passwords, cancellationToken);
                return memory with
                {
                    PasswordsSettledFor = null,
                    PasswordWaits = refused?.Message.TrimEnd('.') ?? "The Secrets get the new password",
                    RotatesOn = true,
                };
            default:
                var failure = await actuator.TakeAsync(step, pods, access, cancellationToken);
                return memory with
                {
                    PasswordsSettledFor = null,
                    PasswordWaits =
                        failure is not null ? $"A node refuses a step: {Pods.LastWords.Clean(failure)}"
                        : passwords.Others.Count == 0 && step is PasswordStep.Accept stray
                            ? $"Somebody changed the password or the rights of the node in pod {stray.Pod}, and the operator restores them"
                        : "The nodes are given the new password",
                    RotatesOn = failure is null,
                };
        }
    }

    private static byte[]? BegunOf(RedisPasswords passwords) => passwords.Request is { } request ? PasswordRotation.DigestOf(request) : null;

    // A certificate that is renewed in its Secret is of no use until the nodes serve it: the old one ends.
    private async Task<RedisMemory> RenewCertificatesAsync(
        ClusterView view,
        RedisMemory memory,
        RedisAccess access,
        string serial,
        CancellationToken cancellationToken
    )
    {
        foreach (var pod in view.Answering.Select(view.PodOf))
        {
            var act = $"certificate/{pod.Name}";
            if (memory.Certificates.GetValueOrDefault(pod.Name) == (pod.Process, serial) || memory.DidWithin(act, CertificateInterval, time.GetUtcNow()))
                continue;
            memory = memory.After(act, time.GetUtcNow());
            if (await actuator.RenewCertificateAsync(pod, access, serial, cancellationToken))
                memory = memory with { Certificates = memory.Certificates.SetItem(pod.Name, (pod.Process, serial)) };
        }

        return memory;
    }

    private async Task<bool> TakeAsync(
        V1Alpha1ShortenerRegion region,
        RedisAction action,
        ObservedRedis observed,
        RedisAccess access,
        CancellationToken cancellationToken
    )
    {
        var failure = await actuator.TakeAsync(action, observed, access, cancellationToken);
        RedisMetrics.CountAction(region, action, failure is null);
        if (failure is not null)
            events.Record(
                region,
                EventSeverity.Warning,
                "RedisActionFailed",
                action.GetType().Name,
                $"{action.GetType().Name} at the node in pod {action.Pod} failed: {Pods.LastWords.Clean(failure)}"
            );
        else if (RedisEvents.Tell(action) is var (severity, reason, note))
            events.Record(region, severity, reason, action.GetType().Name, note);
        return failure is null;
    }

    private async Task<RedisMemory> MoveAsync(
        V1Alpha1ShortenerRegion region,
        RedisAction.MoveSlots move,
        RedisMemory memory,
        ObservedRedis observed,
        RedisAccess access,
        CancellationToken cancellationToken
    )
    {
        var outcome = await actuator.MoveAsync(move, observed, access, cancellationToken);
        RedisMetrics.CountAction(region, move, outcome.Error is null);
        RedisMetrics.CountSlots(region, outcome.Moved);
        if (outcome.Error is not null)
            events.Record(
                region,
                EventSeverity.Warning,
                "RedisActionFailed",
                nameof(RedisAction.MoveSlots),
                $"MoveSlots from pod {move.SourcePod} to pod {move.Pod} failed: {Pods.LastWords.Clean(outcome.Error)}"
            );
        return memory.After(outcome, time.GetUtcNow());
    }

    // Applies independent objects even if others are refused. Pods need the others.
    private async Task<Obstacle?> ApplyAsync(V1Alpha1ShortenerRegion region, ObservedRedis observed, RedisPlan plan, CancellationToken cancellationToken)
    {
        var neededByPods = Obstacle.Of(
            await applier.EnsureAsync(region, RedisResources.BuildServiceAccount(region), observed.ServiceAccount, cancellationToken),
            await applier.EnsureAsync(region, RedisResources.BuildConfig(region), observed.Config, cancellationToken),
            await applier.EnsureAsync(region, RedisResources.BuildService(region), observed.Service, cancellationToken)
        );
        var around = Obstacle.Of(
            await applier.EnsureIfAsync(
                region.Spec.App.NetworkPolicy.Enabled,
                region,
                () => RedisResources.BuildNetworkPolicy(region),
                observed.NetworkPolicy,
                cancellationToken
            )
        );
        var shards = new List<Obstacle?>();
        foreach (var shard in observed.Nodes.Select(node => node.Shard).Distinct())
        {
            var (set, budget) = (observed.Shards.GetValueOrDefault(shard), observed.DisruptionBudgets.GetValueOrDefault(shard));
            if (!plan.Shards.TryGetValue(shard, out var pods))
            {
                shards.Add(await applier.DeleteAsync(region, set, cancellationToken));
                shards.Add(await applier.DeleteAsync(region, budget, cancellationToken));
                continue;
            }

            shards.Add(await applier.EnsureAsync(region, RedisResources.BuildDisruptionBudget(region, shard), budget, cancellationToken));
            if (neededByPods is null)
                shards.Add(await applier.EnsureAsync(region, RedisResources.BuildShard(region, shard, pods), set, cancellationToken));
        }

        return Obstacle.Of([neededByPods, around, .. shards]);
    }

    private static string LabelsOf(V1Pod pod) => $"labels/{pod.Metadata.Name}";

    // A StatefulSet lets go of a pod without its labels, and cannot create another one with the same name. With the labels it takes the pod back.
    private async Task<Obstacle?> RestoreLabelsAsync(
        V1Alpha1ShortenerRegion region,
        IEnumerable<(V1Pod Pod, IReadOnlyDictionary<string, string> Missing)> pods,
        CancellationToken cancellationToken
    )
    {
        var obstacles = new List<Obstacle?>();
        foreach (var (pod, missing) in pods)
        {
            obstacles.Add(
                await applier.TryAsync(
                    region,
                    $"Pod {pod.Metadata.Name}",
                    async () =>
                    {
                        if (await LabelPatch.TryAsync(client, pod, missing!, FieldManagers.Redis, cancellationToken))
                            events.Record(
                                region,
                                EventSeverity.Normal,
                                "Reverted",
                                "Update",
                                $"Restored {string.Join(", ", missing.Keys)} in the labels of Pod {pod.Metadata.Name}."
                            );
                        return null;
                    }
                )
            );
        }

        return Obstacle.Of([.. obstacles]);
    }

    // The specification no longer asks for a Redis. Its Secrets stay for a Redis that uses the same volumes.
    private async Task<ReconciliationResult<V1Alpha1ShortenerRegion>> RemoveAsync(
        V1Alpha1ShortenerRegion region,
        ObservedRedis observed,
        CancellationToken cancellationToken
    )
    {
        Forget(region);
        var obstacle = region.Spec.IsSuspended()
            ? null
            : Obstacle.Of([
                .. await Task.WhenAll(observed.AllShards.Select(set => applier.DeleteAsync(region, set, cancellationToken))),
                await applier.DeleteAsync(region, observed.Service, cancellationToken),
                await applier.DeleteAsync(region, observed.Config, cancellationToken),
                .. await Task.WhenAll(observed.DisruptionBudgets.Values.Select(budget => applier.DeleteAsync(region, budget, cancellationToken))),
                await applier.DeleteAsync(region, observed.NetworkPolicy, cancellationToken),
                await applier.DeleteAsync(region, observed.ServiceAccount, cancellationToken),
            ]);
        await _status.WriteAsync(region, null, [], cancellationToken);
        return obstacle is null
            ? ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region)
            : ReconciliationResult<V1Alpha1ShortenerRegion>.Failure(region, obstacle.Message);
    }

    private void Forget(V1Alpha1ShortenerRegion region)
    {
        prober.Unwatch(ObjectKey.Of(region));
        secrets.Forget(region);
        _memories.TryRemove(region.Metadata.Uid, out _);
        RedisMetrics.Remove(region);
    }

    private void Watch(V1Alpha1ShortenerRegion region, ClusterView view, RedisAccess access) =>
        prober.Watch(
            ObjectKey.Of(region),
            view.Pods.Where(pod => pod.Ip is not null)
                .DistinctBy(pod => pod.Ip)
                .ToDictionary(RedisObserver.AddressOf, pod => view.ViewOf(pod)?.OwnsSlots == true || view.ViewOf(pod)?.Answers != true),
            access
        );

    private void Tell(V1Alpha1ShortenerRegion region, RedisFailoverStatus failover)
    {
        RedisMetrics.CountFailover(region, failover);
        var duration = failover.DurationMillis is { } millis ? $" after {millis} ms" : "";
        events.Record(
            region,
            failover.Cause is nameof(FailoverCause.Placement) or nameof(FailoverCause.Update) or nameof(FailoverCause.ScaleIn)
                ? EventSeverity.Normal
                : EventSeverity.Warning,
            "RedisFailover",
            "Failover",
            $"The node in pod {failover.To} took over from {failover.From}{duration} ({failover.Cause})."
        );
    }
}
