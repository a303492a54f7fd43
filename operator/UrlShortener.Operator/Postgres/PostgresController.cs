using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Events;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Clusters;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Postgres;

/// <summary>
/// Reconciles the PostgreSQL of regions whose specification asks for one: observe, plan, move a lost primary's role, apply, write the status.
/// </summary>
internal sealed class PostgresController(
    PostgresObserver observer,
    PostgresProvisioner provisioner,
    PostgresActuator actuator,
    ParameterReader parameters,
    ClusterClients clusters,
    StoreCertificates certificates,
    Applier applier,
    ResourceClient client,
    EventRecorder events,
    TimeProvider time
) : IEntityController<V1Alpha1ShortenerRegion>
{
    // By UID of the region; removed with it.
    private readonly ConcurrentDictionary<string, PostgresMemory> _memory = new();

    private readonly StatusWriter _status = new(PostgresStatusRules.Part, client);

    /// <inheritdoc />
    public async Task<ReconciliationResult<V1Alpha1ShortenerRegion>> ReconcileAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        if (region.Spec.Postgres is null)
            return ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region);
        region = _status.LatestOf(region);
        // A process that has just started to lead knows the primary from the status, so that it tells of a failover in the meantime.
        var memory =
            _memory.GetValueOrDefault(region.Metadata.Uid)
            ?? PostgresMemory.None with
            {
                Primary = region.Status?.Postgres?.Primary ?? region.Status?.Postgres?.StandbyLeader,
            };
        // Without them no member could answer, and each start of an operator would look like the loss of all primaries.
        if (memory.Connections is null && await certificates.ReadAsync(region, PostgresNames.Component, cancellationToken) is { } set)
            memory = Connect(region, memory, set);
        var observed = await observer.ObserveAsync(region, memory.Connections, cancellationToken);
        memory = memory with { Review = await parameters.ReviewAsync(region, observed, memory, cancellationToken) };
        var plan = PostgresPlan.Of(region, observed, memory, time.GetUtcNow());
        plan = plan with { Memory = plan.Memory with { AssistedBecause = await AssistAsync(region, plan, cancellationToken) ?? plan.Memory.AssistedBecause } };
        plan = await PromoteAsync(region, observed, plan, cancellationToken);
        // At once: if a later write fails, the next reconcile still tells of the failover and of its cause.
        _memory[region.Metadata.Uid] = plan.Memory;
        await RelabelAsync(region, plan, cancellationToken);
        await StripLabelsAsync(region, plan, cancellationToken);
        await ResetSynchronyAsync(region, plan, cancellationToken);
        if (plan.RestoresAccess)
            plan = plan with { Obstacle = Obstacle.Of(plan.Obstacle, await EnsureAccessAsync(region, observed, cancellationToken)) };
        if (plan.Applies)
            plan = await ApplyAsync(region, observed, plan, cancellationToken);
        if (plan.Step is not null)
            plan = await StepAsync(region, observed, plan, cancellationToken);

        var (status, conditions) = PostgresStatusRules.Build(region, observed, plan, time.GetUtcNow());
        await _status.WriteAsync(region, status, conditions.Conditions, cancellationToken);
        ConditionEvents.Record(events, region, conditions.Changed);
        Report(region, plan.Memory.Untold, observed.IsStandby);
        ReportRequest(region, status.Switchover);
        ReportSaved(region, status.SavedChanges);
        _memory[region.Metadata.Uid] = plan.Memory with { Untold = null };
        PostgresMetrics.Set(region, observed, plan, conditions, status.SavedChanges);
        return plan.Obstacle is { Reason: Reasons.ApplyRefused } refused
            ? ReconciliationResult<V1Alpha1ShortenerRegion>.Failure(region, refused.Message)
            : ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region, PostgresStatusRules.IntervalOf(region, conditions, plan));
    }

    /// <inheritdoc />
    // Kubernetes' garbage collector deletes the objects of the region.
    public Task<ReconciliationResult<V1Alpha1ShortenerRegion>> DeletedAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        if (_memory.TryRemove(region.Metadata.Uid, out var memory))
            memory.Connections?.Dispose();
        certificates.Forget(region);
        _status.Forget(region);
        PostgresMetrics.Remove(region);
        return Task.FromResult(ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region));
    }

    // Takes the lock away from a primary that is proven dead, exactly as a member does that gives it up. The other members then elect at once instead of
    // waiting until the lock expires. Never by the cache alone: the pod and the lock are read again, and the write fails if the lock has changed since.
    private async Task<string?> AssistAsync(V1Alpha1ShortenerRegion region, PostgresPlan plan, CancellationToken cancellationToken)
    {
        if (plan.Assist is not { } dead)
            return null;
        var (primary, proof) = dead;
        var space = region.Metadata.NamespaceProperty;
        var pod = await client.GetAsync<V1Pod>(new ObjectKey(space, primary), cancellationToken);
        var map = await client.GetAsync<V1ConfigMap>(new ObjectKey(space, PostgresNames.LeaderOf(region)), cancellationToken);
        if (PatroniLock.Of(map) is not { } held || held.Leader != primary || PostgresPlan.ProveDead(plan.DeadProcess!, pod, held) is null)
            return null;
        try
        {
            await client.PatchAsync<V1ConfigMap>(
                ObjectKey.Of(map!),
                new JsonObject
                {
                    ["metadata"] = new JsonObject
                    {
                        ["resourceVersion"] = map!.Metadata.ResourceVersion,
                        ["annotations"] = new JsonObject { [PatroniLock.LeaderAnnotation] = null },
                    },
                },
                FieldManagers.Postgres,
                cancellationToken
            );
        }
        catch (ApiException changed) when (changed.IsConflict)
        {
            // A member was faster.
            return null;
        }

        PostgresMetrics.CountAssist(region);
        events.Record(region, EventSeverity.Warning, "PostgresFailoverStarted", "Failover", $"Primary {primary} is dead: {proof}. Started an election.");
        return proof;
    }

    // Lock and record are read again: if either has changed, the votes are counted anew. Nobody writes as long as nobody has the lock, so that the members have
    // what they had when they answered. A member that takes the lock before Patroni follows the request voids it.
    private async Task<PostgresPlan> PromoteAsync(
        V1Alpha1ShortenerRegion region,
        ObservedPostgres observed,
        PostgresPlan plan,
        CancellationToken cancellationToken
    )
    {
        if (plan.Promotes is not { } vote || plan.Memory.Connections is not { } connections || observed.PodOf(vote.Candidate) is not { } pod)
            return plan;
        var space = region.Metadata.NamespaceProperty;
        var held = await client.GetAsync<V1ConfigMap>(new ObjectKey(space, PostgresNames.LeaderOf(region)), cancellationToken);
        var record = await client.GetAsync<V1ConfigMap>(new ObjectKey(space, PostgresNames.SyncOf(region)), cancellationToken);
        if (held?.Metadata.ResourceVersion != observed.Lock?.Version || record?.Metadata.ResourceVersion != vote.Record)
            return plan;
        var refusal = await new PatroniClient(connections).PromoteAsync(pod, cancellationToken);
        plan = plan with { Memory = plan.Memory with { VotedAt = time.GetUtcNow() } };
        if (refusal is not null)
        {
            events.Record(
                region,
                EventSeverity.Warning,
                "PostgresFailoverRefused",
                "Failover",
                $"Patroni refuses to promote {vote.Candidate} ({refusal}): {vote.Because}."
            );
            return plan;
        }

        PostgresMetrics.CountAssist(region);
        events.Record(
            region,
            EventSeverity.Warning,
            "PostgresFailoverStarted",
            "Failover",
            $"No member is elected, and {vote.Because}. Asked Patroni to promote {vote.Candidate}."
        );
        return plan with { Memory = plan.Memory with { AssistedBecause = vote.Because } };
    }

    // The cache shows only what has the operator's labels.
    private async Task RelabelAsync(V1Alpha1ShortenerRegion region, PostgresPlan plan, CancellationToken cancellationToken)
    {
        foreach (var name in plan.Unlabelled)
            await RelabelAsync<V1ConfigMap>(region, name, _ => true, cancellationToken);
        foreach (var name in plan.UnlabelledMembers)
            await RelabelAsync<V1Pod>(region, name, pod => IsMember(region, pod), cancellationToken);
    }

    // The controller of StatefulSets lets a pod go that lost a label of its selector, and takes it back with the label.
    private static bool IsMember(V1Alpha1ShortenerRegion region, V1Pod pod) =>
        pod.Metadata.DeletionTimestamp is null && (!Owned.HasController(pod) || PodOwner.IsOfStatefulSet(pod, PostgresNames.ScopeOf(region)));

    private async Task RelabelAsync<T>(V1Alpha1ShortenerRegion region, string name, Func<T, bool> isOurs, CancellationToken cancellationToken)
        where T : class, k8s.IKubernetesObject<V1ObjectMeta>
    {
        var labels = PostgresNames.PatroniLabelsOf(region);
        var live = await client.GetAsync<T>(new ObjectKey(region.Metadata.NamespaceProperty, name), cancellationToken);
        if (live is null || PostgresNames.HasLabels(live, labels) || !isOurs(live))
            return;
        if (await LabelPatch.TryAsync(client, live, labels!, FieldManagers.Postgres, cancellationToken))
            events.Record(
                region,
                EventSeverity.Warning,
                "LabelsRestored",
                "Update",
                $"Restored the labels of {ResourceType.Of<T>().Kind} {name}, by which Patroni finds it."
            );
    }

    // Services select the primary by this label; a former primary that hangs keeps it. The lock is read again, because the cache may show the pods of now and
    // the lock of before.
    private async Task StripLabelsAsync(V1Alpha1ShortenerRegion region, PostgresPlan plan, CancellationToken cancellationToken)
    {
        if (plan.FalsePrimaries.Count == 0)
            return;
        var key = new ObjectKey(region.Metadata.NamespaceProperty, PostgresNames.LeaderOf(region));
        var holder = PatroniLock.Of(await client.GetAsync<V1ConfigMap>(key, cancellationToken))?.Leader;
        foreach (var pod in plan.FalsePrimaries.Where(pod => pod.Metadata.Name != holder))
        {
            if (await LabelPatch.TryAsync(client, pod, [new(PostgresNames.RoleLabel, null)], FieldManagers.Postgres, cancellationToken))
                events.Record(
                    region,
                    EventSeverity.Warning,
                    "PrimaryLabelRemoved",
                    "Failover",
                    $"Removed the label of the primary from {pod.Metadata.Name}, which does not hold the lock."
                );
        }
    }

    // To what a primary itself writes first: that it alone has every acknowledged write. Patroni then adds the replicas in its next loops. At no moment may a
    // replica be elected that lacks a write, as it may be while there is no record at all.
    private async Task ResetSynchronyAsync(V1Alpha1ShortenerRegion region, PostgresPlan plan, CancellationToken cancellationToken)
    {
        if (plan.Resets is not { } contradiction)
            return;
        var space = region.Metadata.NamespaceProperty;
        var map = await client.GetAsync<V1ConfigMap>(new ObjectKey(space, PostgresNames.SyncOf(region)), cancellationToken);
        var held = PatroniLock.Of(await client.GetAsync<V1ConfigMap>(new ObjectKey(space, PostgresNames.LeaderOf(region)), cancellationToken));
        if (map?.Metadata.ResourceVersion != contradiction.Version || held?.Leader != contradiction.Primary)
            return;
        var patch = new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["resourceVersion"] = contradiction.Version,
                ["annotations"] = new JsonObject
                {
                    [PatroniLock.LeaderAnnotation] = contradiction.Primary,
                    [PatroniSynchrony.StandbysAnnotation] = null,
                    [PatroniSynchrony.QuorumAnnotation] = "0",
                },
            },
        };
        try
        {
            await client.PatchAsync<V1ConfigMap>(ObjectKey.Of(map!), patch, FieldManagers.Postgres, cancellationToken);
        }
        catch (ApiException changed) when (changed.IsConflict || changed.IsNotFound)
        {
            // Patroni was faster.
            return;
        }

        events.Record(
            region,
            EventSeverity.Warning,
            "SynchronyReset",
            "Update",
            $"Reset ConfigMap {map!.Metadata.Name}: it {contradiction.Text}, and Patroni did not mend it. {contradiction.Primary} is the primary."
        );
    }

    private async Task<PostgresPlan> ApplyAsync(
        V1Alpha1ShortenerRegion region,
        ObservedPostgres observed,
        PostgresPlan plan,
        CancellationToken cancellationToken
    )
    {
        var (set, unsigned) = await certificates.EnsureAsync(
            region,
            PostgresNames.Component,
            PostgresNames.CertificateNamesOf(region),
            observed.Certificates,
            cancellationToken,
            plan.Place.PeerAuthorities
        );
        plan = plan with { Memory = Connect(region, plan.Memory, set) };
        _memory[region.Metadata.Uid] = plan.Memory;
        plan = plan with { Memory = await ReloadAsync(observed, plan, plan.Memory, cancellationToken) };
        // A standby region gets the password that its copy of the database has.
        var secret =
            observed.Password is null && plan.Place is { Source: null, Waits: false }
                ? await applier.TryAsync(region, $"Secret {PostgresNames.PasswordOf(region)}", () => provisioner.EnsurePasswordAsync(region, cancellationToken))
                : null;
        var neededByPods = Obstacle.Of(
            unsigned,
            await EnsureAccessAsync(region, observed, cancellationToken),
            await applier.EnsureAsync(region, PostgresResources.BuildSettings(region, plan.Place), observed.Settings, cancellationToken)
        );
        var around = Obstacle.Of(
            await applier.EnsureAsync(region, PostgresResources.BuildHeadlessService(region), observed.HeadlessService, cancellationToken),
            await applier.EnsureAsync(region, PostgresResources.BuildPrimaryService(region), observed.PrimaryService, cancellationToken),
            await applier.EnsureAsync(region, PostgresResources.BuildReplicaService(region), observed.ReplicaService, cancellationToken),
            await applier.EnsureAsync(region, PostgresResources.BuildDisruptionBudget(region), observed.DisruptionBudget, cancellationToken),
            await applier.EnsureIfAsync(
                region.Spec.App.NetworkPolicy.Enabled,
                region,
                () => PostgresResources.BuildNetworkPolicy(region, plan.Place),
                observed.NetworkPolicy,
                cancellationToken
            )
        );
        var access = await EnsureClusterAccessAsync(region, observed, cancellationToken);
        var isClean = await RemoveGoneAsync(region, observed, cancellationToken);
        var members =
            neededByPods is null && isClean
                ? await applier.EnsureAsync(
                    region,
                    PostgresResources.BuildStatefulSet(
                        region,
                        plan.Replicas,
                        VolumeGrowth.TemplateSizeOf(region, observed.StatefulSet),
                        GroupPlace.ClustersOf(region, observed.Group)
                    ),
                    observed.StatefulSet,
                    cancellationToken
                )
                : null;
        plan = plan with { Growth = await GrowAsync(region, observed, cancellationToken) };
        plan = await ConfigureAsync(region, observed, plan, cancellationToken);
        (plan, var kept) = await AdoptAsync(region, observed, plan, cancellationToken);
        var (provisioned, refused) = await ProvisionAsync(region, plan, cancellationToken);
        plan = plan with
        {
            Obstacle = Obstacle.Of(neededByPods, members, around, access, secret, kept, refused),
            Memory = plan.Memory with { Provisioned = provisioned },
        };
        return await RotateAsync(region, observed, plan, cancellationToken);
    }

    private async Task<Obstacle?> EnsureAccessAsync(V1Alpha1ShortenerRegion region, ObservedPostgres observed, CancellationToken cancellationToken) =>
        Obstacle.Of(
            await applier.EnsureAsync(region, PostgresResources.BuildServiceAccount(region), observed.ServiceAccount, cancellationToken),
            await applier.EnsureAsync(region, PostgresResources.BuildRoleBinding(region), observed.RoleBinding, cancellationToken)
        );

    // What the guards need to read votes in other clusters. A kubeconfig that is gone or cannot be used stays with them as it was: they know others.
    private async Task<Obstacle?> EnsureClusterAccessAsync(V1Alpha1ShortenerRegion region, ObservedPostgres observed, CancellationToken cancellationToken)
    {
        var names = GroupPlace.ClustersOf(region, observed.Group);
        var kubeconfigs = names
            .Select(name => (Name: name, clusters.Find(region.Metadata.NamespaceProperty, name)?.Kubeconfig))
            .Where(cluster => cluster.Kubeconfig is not null)
            .ToDictionary(cluster => cluster.Name, cluster => cluster.Kubeconfig!, StringComparer.Ordinal);
        if (kubeconfigs.Count == 0)
            return null;
        List<string> unknown = [.. names.Where(name => !kubeconfigs.ContainsKey(name))];
        var desired = ClusterAccess.Build(region, kubeconfigs);
        if (ClusterAccess.IsCurrent(region, observed.ClusterAccess, desired, unknown))
            return null;
        return await applier.TryAsync(
            region,
            $"Secret {desired.Metadata.Name}",
            async () =>
            {
                var live = await client.GetAsync<V1Secret>(ObjectKey.Of(desired), cancellationToken);
                if (live is not null && !Owned.IsControlledBy(live, region) && !Owned.IsOrphan(live, desired))
                    return Applier.NameTaken($"Secret {desired.Metadata.Name}", live);
                ClusterAccess.Keep(desired, live, unknown);
                await client.ApplyAsync(desired, FieldManagers.Operator, force: true, cancellationToken);
                return null;
            }
        );
    }

    // A new password, or the end of the former one: never both, so that there are never three.
    private async Task<PostgresPlan> RotateAsync(
        V1Alpha1ShortenerRegion region,
        ObservedPostgres observed,
        PostgresPlan plan,
        CancellationToken cancellationToken
    )
    {
        if (plan.RotatesFor is { } request)
        {
            var refused = await applier.TryAsync(
                region,
                $"Secret {PostgresNames.PasswordOf(region)}",
                () => provisioner.RotateAsync(region, request, cancellationToken)
            );
            return plan with
            {
                Obstacle = Obstacle.Of(plan.Obstacle, refused),
                // The Secret in the cache is the former one until the next reconcile.
                Memory = plan.Memory with
                {
                    Provisioned = null,
                    Retired = null,
                    RetirementWaits = null,
                },
            };
        }

        if (!plan.Retires || plan.Memory.Provisioned != plan.ProvisionDigest || plan.Memory.Connections is not { } connections)
            return plan;
        var isStrict = region.Status?.Postgres?.PasswordRotation is { State: PasswordRotationState.Started };
        var members = Enumerable.Range(0, plan.Replicas).Select(ordinal => PostgresNames.MemberOf(region, ordinal));
        var waits = await provisioner.RetireAsync(region, observed, connections, members, isStrict, cancellationToken);
        if (waits is null && isStrict)
            events.Record(region, EventSeverity.Normal, "PasswordRotated", "Update", "PostgreSQL accepts only the new password of the app.");
        return plan with
        {
            Memory = plan.Memory with { Retired = waits is null ? plan.RetirementDigest : null, RetirementWaits = waits, RetirementAskedAt = time.GetUtcNow() },
        };
    }

    // The volumes of a former region were deleted, and Patroni's ConfigMaps were left behind: members would wait for ever for the database that these name.
    private async Task<bool> RemoveGoneAsync(V1Alpha1ShortenerRegion region, ObservedPostgres observed, CancellationToken cancellationToken)
    {
        var areGone =
            KeptVolumes.AreOfAnother(region, observed)
            || (KeptVolumes.MayBeGone(region, observed) && !KeptVolumes.Exist(region, await ListClaimsAsync(region, cancellationToken)));
        if (!areGone)
            return true;
        foreach (var map in observed.PatroniMaps)
            await client.DeleteAsync(map, cancellationToken);
        return false;
    }

    private async Task<IReadOnlyList<V1PersistentVolumeClaim>> ListClaimsAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        var selector = string.Join(',', PostgresResources.SelectorOf(region).Select(label => $"{label.Key}={label.Value}"));
        return [.. await client.ListAsync<V1PersistentVolumeClaim>(region.Metadata.NamespaceProperty, ("labelSelector", selector), cancellationToken)];
    }

    private async Task<PostgresPlan> StepAsync(
        V1Alpha1ShortenerRegion region,
        ObservedPostgres observed,
        PostgresPlan plan,
        CancellationToken cancellationToken
    )
    {
        var (memory, refusal) = await actuator.TakeAsync(region, observed, plan.Step!, plan.Memory, cancellationToken);
        // At once: if a later write fails, the next reconcile still knows what it waits for.
        _memory[region.Metadata.Uid] = memory;
        plan = plan with { Memory = memory };
        return refusal is null ? plan
            : plan.Switchover is { State: SwitchoverState.Started } request && plan.Step is RolloutStep.Switchover
                ? plan with
                {
                    Switchover = request with { State = SwitchoverState.Refused, Message = $"{refusal}." },
                }
            : plan with { Rollout = plan.Rollout with { Blocked = refusal } };
    }

    // The claims are read only where they are larger than the template: others cannot differ.
    private async Task<Obstacle?> GrowAsync(V1Alpha1ShortenerRegion region, ObservedPostgres observed, CancellationToken cancellationToken)
    {
        if (observed.StatefulSet is null || !VolumeGrowth.IsWanted(region, observed.StatefulSet))
            return null;
        var size = region.Spec.Postgres!.Storage.Size;
        var claims = (await ListClaimsAsync(region, cancellationToken)).Where(claim => PostgresNames.IsClaimOf(region, claim.Metadata.Name)).ToList();
        foreach (var claim in VolumeGrowth.FindSmall(claims, size))
        {
            var patch = new JsonObject
            {
                ["metadata"] = new JsonObject { ["uid"] = claim.Metadata.Uid },
                ["spec"] = new JsonObject { ["resources"] = new JsonObject { ["requests"] = new JsonObject { ["storage"] = size.ToString() } } },
            };
            var refused = await applier.TryAsync(
                region,
                $"the growth of PersistentVolumeClaim {claim.Metadata.Name} to {size}",
                async () =>
                {
                    await client.PatchAsync<V1PersistentVolumeClaim>(ObjectKey.Of(claim), patch, FieldManagers.Postgres, cancellationToken);
                    events.Record(region, EventSeverity.Normal, "VolumeGrows", "Update", $"Asked for {size} in PersistentVolumeClaim {claim.Metadata.Name}.");
                    return null;
                }
            );
            if (refused is not null)
                return refused with { Reason = Reasons.VolumesNotGrown };
        }

        return VolumeGrowth.Describe(claims, size) is { } text ? new Obstacle(Reasons.VolumesGrowing, $"{text}.") : null;
    }

    private async Task<PostgresPlan> ConfigureAsync(
        V1Alpha1ShortenerRegion region,
        ObservedPostgres observed,
        PostgresPlan plan,
        CancellationToken cancellationToken
    )
    {
        foreach (var map in plan.Misowned)
        {
            var owners = Owned.HasController(map)
                ? null
                : JsonNode.Parse(k8s.KubernetesJson.Serialize(Owned.Metadata(region, PostgresNames.Component, PostgresNames.Component).OwnerReferences));
            await client.PatchAsync<V1ConfigMap>(
                ObjectKey.Of(map),
                new JsonObject
                {
                    ["metadata"] = new JsonObject { ["uid"] = map.Metadata.Uid, ["ownerReferences"] = owners },
                },
                FieldManagers.Postgres,
                cancellationToken
            );
        }

        if (plan.Configuration is not { } configuration)
            return plan;
        await client.PatchAsync<V1ConfigMap>(
            ObjectKey.Of(observed.Configuration!),
            new JsonObject
            {
                ["metadata"] = new JsonObject
                {
                    ["resourceVersion"] = observed.Configuration!.Metadata.ResourceVersion,
                    ["annotations"] = new JsonObject { ["config"] = configuration.ToJsonString() },
                },
            },
            FieldManagers.Postgres,
            cancellationToken
        );
        events.Record(region, EventSeverity.Normal, "PostgresConfigured", "Update", "Changed the configuration of the members.");
        return plan with { Memory = plan.Memory with { ConfiguredAt = time.GetUtcNow() } };
    }

    private async Task<(string? Provisioned, Obstacle? Refused)> ProvisionAsync(
        V1Alpha1ShortenerRegion region,
        PostgresPlan plan,
        CancellationToken cancellationToken
    )
    {
        if (plan.Provisions is not { } primary || plan.Memory.Connections is not { } connections)
            return (plan.Memory.Provisioned, null);
        var refused = await applier.TryAsync(
            region,
            $"Secret {StoreConnections.PostgresOf(region)!.Name}",
            () => provisioner.ProvisionAsync(region, primary, connections, cancellationToken)
        );
        return refused is null ? (plan.ProvisionDigest, null) : (plan.Memory.Provisioned, refused);
    }

    // The password of the region that this one follows.
    private async Task<(PostgresPlan Plan, Obstacle? Obstacle)> AdoptAsync(
        V1Alpha1ShortenerRegion region,
        ObservedPostgres observed,
        PostgresPlan plan,
        CancellationToken cancellationToken
    )
    {
        if (plan.Place.Source is not { } source || plan.Memory.Connections is not { } connections)
            return (plan, null);
        if (plan.Adopts is { } leader)
        {
            string? role = null;
            var obstacle = await applier.TryAsync(
                region,
                $"Secret {StoreConnections.PostgresOf(region)!.Name}",
                async () =>
                {
                    (role, var missing) = await provisioner.AdoptAsync(region, source, leader, connections, cancellationToken);
                    return missing;
                }
            );
            if (obstacle is not null || role is null)
                return (plan, obstacle);
            plan = plan with { Memory = plan.Memory with { Provisioned = plan.ProvisionDigest, AdoptedRole = role } };
        }

        var isTold =
            plan.Memory.AdoptedRole is { } adopted
            && plan.Memory.AppRole != adopted
            && await PostgresProvisioner.IsOnlyRoleAsync(observed.Pods, connections, adopted, cancellationToken);
        return (isTold ? plan with { Memory = plan.Memory with { AppRole = plan.Memory.AdoptedRole } } : plan, null);
    }

    private PostgresMemory Connect(V1Alpha1ShortenerRegion region, PostgresMemory memory, CertificateSet? set)
    {
        if (
            set is null
            || (memory.Connections is { } former && former.Set.Bundle == set.Bundle && former.Set.Serving.CertificatePem == set.Serving.CertificatePem)
        )
            return memory;
        memory.Connections?.Dispose();
        return memory with
        {
            Connections = new MemberConnections(set, PostgresNames.ServiceHostOf(region)),
            ReloadsUntil = time.GetUtcNow() + PostgresPlan.ReloadTime,
        };
    }

    // Patroni and PostgreSQL read their certificates at the start, and again only when they are told to. A process that has just started to lead does not know
    // whether they were, and tells them once more.
    private async Task<PostgresMemory> ReloadAsync(ObservedPostgres observed, PostgresPlan plan, PostgresMemory memory, CancellationToken cancellationToken)
    {
        if (!plan.Reloads || memory.Connections is not { } connections)
            return memory;
        var client = new PatroniClient(connections);
        await Task.WhenAll(
            observed.Pods.Where(pod => observed.Members.ContainsKey(pod.Metadata.Name)).Select(pod => client.ReloadAsync(pod, cancellationToken))
        );
        return memory with { ReloadedAt = time.GetUtcNow() };
    }

    private void Report(V1Alpha1ShortenerRegion region, PostgresFailover? ended, bool isStandby)
    {
        if (ended is null)
            return;
        PostgresMetrics.CountFailover(region, ended);
        var isPlanned = ended.Cause == FailoverCause.Planned;
        events.Record(
            region,
            isPlanned ? EventSeverity.Normal : EventSeverity.Warning,
            isPlanned ? "PostgresSwitchover" : "PostgresFailover",
            "Failover",
            string.Create(
                System.Globalization.CultureInfo.InvariantCulture,
                $"{(isStandby ? "The member that follows the primary region" : "Primary")} moved from {ended.From} to {ended.To} ({ended.Cause}) in {ended.Duration.TotalMilliseconds:0} ms."
            )
        );
    }

    private void ReportSaved(V1Alpha1ShortenerRegion region, IReadOnlyList<PostgresSavedChanges>? saved)
    {
        var former = region.Status?.Postgres?.SavedChanges ?? [];
        foreach (var file in saved ?? [])
        {
            if (!former.Any(known => (known.Member, known.File) == (file.Member, file.File)))
                events.Record(
                    region,
                    EventSeverity.Warning,
                    "DivergedWritesSaved",
                    "Failover",
                    $"Saved {file.Count} changes that only {file.Member} had, in file {file.File} on its volume. Nobody has imported them."
                );
        }
    }

    private void ReportRequest(V1Alpha1ShortenerRegion region, PostgresSwitchoverStatus? current)
    {
        if (current is { State: SwitchoverState.Refused } && region.Status?.Postgres?.Switchover != current)
            events.Record(region, EventSeverity.Warning, "PostgresSwitchoverRefused", "Failover", current.Message);
    }
}
