using System.Net;
using k8s;
using k8s.Autorest;
using k8s.Models;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>The node's own objects: itself, and the lease by which the controllers see that it lives.</summary>
internal sealed class FakeNode(KubeletContext context)
{
    private const string LeaseNamespace = "kube-node-lease";
    private const int LeaseSeconds = 40;
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(5);

    private string Name => context.Options.NodeName;

    /// <summary>Makes the node, ready.</summary>
    public async Task RegisterAsync(CancellationToken cancellationToken)
    {
        var labels = new Dictionary<string, string>(context.Options.NodeLabels) { ["kubernetes.io/hostname"] = Name, ["kubernetes.io/os"] = "linux" };
        var node = new V1Node
        {
            Metadata = new V1ObjectMeta { Name = Name, Labels = labels },
        };
        await CreateAsync(token => context.Client.CoreV1.CreateNodeAsync(node, cancellationToken: token), cancellationToken);
        await WriteStatusAsync("True", cancellationToken);
        var lease = new V1Lease
        {
            Metadata = new V1ObjectMeta { Name = Name },
            Spec = LeaseSpec(),
        };
        await CreateAsync(
            token => context.Client.CoordinationV1.CreateNamespacedLeaseAsync(lease, LeaseNamespace, cancellationToken: token),
            cancellationToken
        );
        // Admission marks new nodes as not ready, and the controllers take the mark away; nobody needs to wait for that.
        var unmarked = new V1Patch("""{"spec": {"taints": null}}""", V1Patch.PatchType.MergePatch);
        await context.RequestAsync(token => context.Client.CoreV1.PatchNodeAsync(unmarked, Name, cancellationToken: token), cancellationToken);
    }

    /// <summary>Renews the lease until it is cancelled, except while the node is cut off.</summary>
    public async Task BeatAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(Heartbeat, context.Time, cancellationToken);
            var patch = new V1Patch(KubernetesJson.Serialize(new V1Lease { Spec = LeaseSpec() }), V1Patch.PatchType.MergePatch);
            await context.RequestAsync(
                token => context.Client.CoordinationV1.PatchNamespacedLeaseAsync(patch, Name, LeaseNamespace, cancellationToken: token),
                cancellationToken
            );
        }
    }

    /// <summary>Writes the node's condition Ready: True, False or Unknown. Goes past <see cref="KubeletContext.IsConnected"/>.</summary>
    public async Task WriteStatusAsync(string ready, CancellationToken cancellationToken)
    {
        var now = context.Time.GetUtcNow().UtcDateTime;
        var capacity = new Dictionary<string, ResourceQuantity>
        {
            ["cpu"] = new("256"),
            ["memory"] = new("1Ti"),
            ["ephemeral-storage"] = new("1Ti"),
            ["pods"] = new("10000"),
        };
        var status = new V1NodeStatus
        {
            Capacity = capacity,
            Allocatable = capacity,
            Addresses = [new V1NodeAddress { Type = "InternalIP", Address = "127.0.0.1" }, new V1NodeAddress { Type = "Hostname", Address = Name }],
            Conditions =
            [
                new V1NodeCondition
                {
                    Type = "Ready",
                    Status = ready,
                    Reason = ready == "True" ? "KubeletReady" : "NodeStatusUnknown",
                    Message = ready == "True" ? "process kubelet" : "Kubelet stopped posting node status.",
                    LastHeartbeatTime = now,
                    LastTransitionTime = now,
                },
            ],
        };
        var patch = new V1Patch(KubernetesJson.Serialize(new V1Node { Status = status }), V1Patch.PatchType.StrategicMergePatch);
        await context.Client.CoreV1.PatchNodeStatusAsync(patch, Name, cancellationToken: cancellationToken);
    }

    /// <summary>Writes of all its pods that they are ready, or not. Goes past <see cref="KubeletContext.IsConnected"/>.</summary>
    public async Task MarkPodsAsync(bool ready, CancellationToken cancellationToken)
    {
        var condition = new V1PodCondition
        {
            Type = "Ready",
            Status = ready ? "True" : "False",
            Reason = ready ? null : "NodeNotReady",
            LastTransitionTime = context.Time.GetUtcNow().UtcDateTime,
        };
        var patch = new V1Patch(
            KubernetesJson.Serialize(new V1Pod { Status = new V1PodStatus { Conditions = [condition] } }),
            V1Patch.PatchType.StrategicMergePatch
        );
        var pods = await context.Client.CoreV1.ListPodForAllNamespacesAsync(fieldSelector: $"spec.nodeName={Name}", cancellationToken: cancellationToken);
        foreach (var pod in pods.Items.Where(pod => pod.Status.Phase == "Running"))
        {
            try
            {
                await context.Client.CoreV1.PatchNamespacedPodStatusAsync(
                    patch,
                    pod.Metadata.Name,
                    pod.Metadata.NamespaceProperty,
                    cancellationToken: cancellationToken
                );
            }
            catch (HttpOperationException e) when (e.Response.StatusCode == HttpStatusCode.NotFound)
            {
                // It was removed meanwhile.
            }
        }
    }

    /// <summary>Removes both, where the API server still answers.</summary>
    public async Task UnregisterAsync(CancellationToken cancellationToken)
    {
        try
        {
            await context.Client.CoreV1.DeleteNodeAsync(Name, cancellationToken: cancellationToken);
            await context.Client.CoordinationV1.DeleteNamespacedLeaseAsync(Name, LeaseNamespace, cancellationToken: cancellationToken);
        }
        catch (HttpOperationException e) when (e.Response.StatusCode == HttpStatusCode.NotFound)
        {
            // Somebody else has removed it.
        }
        catch (Exception e) when (TransientErrors.IsTransient(e, CancellationToken.None))
        {
            // The test has stopped the API server. The node goes with the cluster.
        }
    }

    // A server that is busy may carry out what it did not answer in time.
    private Task<bool> CreateAsync<T>(Func<CancellationToken, Task<T>> createAsync, CancellationToken cancellationToken) =>
        context.RequestAsync(
            async token =>
            {
                try
                {
                    await createAsync(token);
                }
                catch (HttpOperationException e) when (e.Response.StatusCode == HttpStatusCode.Conflict)
                {
                    // It is there.
                }

                return true;
            },
            cancellationToken
        );

    private V1LeaseSpec LeaseSpec() =>
        new()
        {
            HolderIdentity = Name,
            LeaseDurationSeconds = LeaseSeconds,
            RenewTime = context.Time.GetUtcNow().UtcDateTime,
        };
}
