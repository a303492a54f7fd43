using k8s;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Postgres;
using UrlShortener.Operator.Tests.Regions;
using UrlShortener.TestServers.Kubernetes.Kubelet;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>The members of the PostgreSQL of a laboratory's region, which the operator runs.</summary>
internal sealed class PostgresMembers(RegionLab lab)
{
    /// <summary>For <see cref="RegionLab.Region"/>: a region with three members.</summary>
    public static readonly string Patch = $$"""
        {
          "connections": null,
          "app": {
            "settings": [{ "name": "Postgres:MaxConnections", "value": "8" }, { "name": "RateLimiting:Anonymous", "value": "100000" }]
          },
          "postgres": {
            "image": "{{StorePrograms.PostgresImage}}",
            "storage": { "size": "1Gi" },
            "resources": { "requests": { "memory": "64Mi" }, "limits": { "memory": "1Gi" } }
          }
        }
        """;

    private const int Replicas = 2;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Waits until all members serve. One that cannot follow is copied anew after three minutes.</summary>
    public async Task UntilWholeAsync(int seconds = 180)
    {
        await lab.UntilAsync("PostgresReady", "True");
        await lab.UntilAsync("PostgresDegraded", "False", seconds: seconds);
        await lab.UntilAsync("SyncReplicationHealthy", "True");
        // The status may be one of before the operator was stopped.
        await Eventually.HoldsAsync(
            async () => await ReadLockAsync() == await ReadPrimaryAsync() && (await ReadSyncAsync()).Count == Replicas,
            () => "the status tells the primary, and all replicas are synchronous"
        );
    }

    /// <summary>Waits until the container of a pod runs that has the name of another one.</summary>
    /// <param name="name">The name.</param>
    /// <param name="uid">UID of the former pod.</param>
    public Task UntilSucceededAsync(string name, string uid) =>
        Eventually.HoldsAsync(
            async () =>
                (await ReadPodsAsync()).Any(pod =>
                    pod.Metadata.Name == name && pod.Metadata.Uid != uid && pod.Status?.ContainerStatuses is { Count: > 0 } all && all.All(one => one.Ready)
                ),
            () => $"{name} has a successor that is ready"
        );

    /// <summary>
    /// Kills a primary, and again whenever its container runs, until another member leads: on a busy machine it may be back within its own lock, and go on.
    /// </summary>
    /// <param name="node">Its node.</param>
    /// <param name="primary">The primary.</param>
    public Task KillUntilAnotherLeadsAsync(ProcessKubelet node, string primary) =>
        Eventually.HoldsAsync(
            async () =>
            {
                await node.KillPodAsync(lab.Namespace, primary);
                return await ReadLockAsync() is { } holder && holder != primary;
            },
            () => $"another member than {primary} leads"
        );

    /// <summary>The primary by the status.</summary>
    public async Task<string> ReadPrimaryAsync() =>
        (
            await Eventually.ReadAsync(
                async () => (await lab.ReadAsync()).Status?.Postgres?.Primary,
                // None while nobody knows whether there is one: on a busy machine a member may answer one look too late.
                primary => primary is not null,
                "the status tells the primary"
            )
        )!;

    /// <summary>Who has the lock.</summary>
    public async Task<string?> ReadLockAsync() =>
        PatroniLock.Of(await lab.Client.CoreV1.ReadNamespacedConfigMapAsync("eu-postgres-leader", lab.Namespace, cancellationToken: Token))!.Leader;

    /// <summary>The synchronous replicas by Patroni's own record; none while it is of a former primary.</summary>
    public async Task<IReadOnlyList<string>> ReadSyncAsync()
    {
        var map = await lab.Client.CoreV1.ReadNamespacedConfigMapAsync("eu-postgres-sync", lab.Namespace, cancellationToken: Token);
        var said = map.Metadata.Annotations ?? new Dictionary<string, string>();
        return said.TryGetValue("leader", out var leader) && leader == await ReadLockAsync() && said.TryGetValue("sync_standby", out var standbys)
            ? standbys.Split(',', StringSplitOptions.RemoveEmptyEntries)
            : [];
    }

    /// <summary>Asks for a planned switchover.</summary>
    /// <param name="to">A member, or "any".</param>
    /// <param name="timeline">The timeline on which the request holds.</param>
    public Task RequestSwitchoverAsync(string to, int timeline) =>
        lab.Client.CustomObjects.PatchNamespacedCustomObjectAsync(
            new V1Patch($$"""{ "metadata": { "annotations": { "{{Labels.Switchover}}": "{{to}}@{{timeline}}" } } }""", V1Patch.PatchType.MergePatch),
            ApiGroup.Name,
            ApiGroup.Version,
            lab.Namespace,
            V1Alpha1ShortenerRegion.KubePlural,
            "eu",
            cancellationToken: Token
        );

    /// <summary>Pods with the label of the primary.</summary>
    public async Task<IReadOnlyList<string>> ReadLabelledAsync() =>
        [
            .. (
                await lab.Client.CoreV1.ListNamespacedPodAsync(
                    lab.Namespace,
                    labelSelector: $"{PostgresNames.RoleLabel}={PostgresNames.Primary}",
                    cancellationToken: Token
                )
            ).Items.Select(pod => pod.Metadata.Name),
        ];

    public async Task<IList<V1Pod>> ReadPodsAsync() =>
        (
            await lab.Client.CoreV1.ListNamespacedPodAsync(lab.Namespace, labelSelector: $"{PostgresNames.ScopeLabel}=eu-postgres", cancellationToken: Token)
        ).Items;

    /// <summary>What would be another value if a container had been started again.</summary>
    public async Task<IReadOnlyList<string>> ReadProcessesAsync() =>
        [.. (await ReadPodsAsync()).Select(pod => $"{pod.Metadata.Name} {pod.Metadata.Uid} {pod.Status.ContainerStatuses?.FirstOrDefault()?.ContainerID}")];
}
