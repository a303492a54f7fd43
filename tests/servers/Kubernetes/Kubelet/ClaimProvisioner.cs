using System.Net;
using System.Text.Json.Nodes;
using k8s;
using k8s.Autorest;
using k8s.Models;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>
/// Serves persistent volume claims, as the provisioner and the resizer of a storage class do: a claim gets a volume of the size that it asks for, and a bound
/// one more when it asks for more. Whether it may ask is the API server's to say (<c>allowVolumeExpansion</c> of its class).
/// </summary>
internal sealed class ClaimProvisioner(KubeletContext context)
{
    private const string Storage = "storage";
    private const string Label = "process-kubelet";

    /// <summary>Binds a claim, or lets it grow.</summary>
    public Task ServeAsync(V1PersistentVolumeClaim claim, CancellationToken cancellationToken) =>
        claim switch
        {
            { Metadata.DeletionTimestamp: not null } => Task.CompletedTask,
            { Status.Phase: "Bound" } when IsLargerThanItsVolume(claim) => GrowAsync(claim, cancellationToken),
            { Spec.VolumeName: null or "" } => ProvideAsync(claim, cancellationToken),
            _ => Task.CompletedTask,
        };

    /// <summary>Removes a node's volumes; those whose claims are there go with these.</summary>
    public static async Task ReleaseAsync(KubeletContext context, CancellationToken cancellationToken)
    {
        try
        {
            await context.Client.CoreV1.DeleteCollectionPersistentVolumeAsync(
                labelSelector: $"{Label}={context.Options.NodeName}",
                cancellationToken: cancellationToken
            );
        }
        catch (Exception e) when (TransientErrors.IsTransient(e, CancellationToken.None))
        {
            // The test has stopped the API server. The volumes go with the cluster.
        }
    }

    private static bool IsLargerThanItsVolume(V1PersistentVolumeClaim claim) =>
        claim.Status.Capacity is { } capacity
        && capacity.TryGetValue(Storage, out var has)
        && claim.Spec.Resources.Requests[Storage].ToDecimal() > has.ToDecimal();

    private static string NameOf(V1PersistentVolumeClaim claim) => $"process-{claim.Metadata.Uid}";

    private Task<bool> ProvideAsync(V1PersistentVolumeClaim claim, CancellationToken cancellationToken)
    {
        var volume = new V1PersistentVolume
        {
            Metadata = new V1ObjectMeta
            {
                Name = NameOf(claim),
                Labels = new Dictionary<string, string> { [Label] = context.Options.NodeName },
            },
            Spec = new V1PersistentVolumeSpec
            {
                AccessModes = claim.Spec.AccessModes,
                Capacity = new Dictionary<string, ResourceQuantity> { [Storage] = claim.Spec.Resources.Requests[Storage] },
                ClaimRef = new V1ObjectReference
                {
                    Kind = V1PersistentVolumeClaim.KubeKind,
                    Name = claim.Metadata.Name,
                    NamespaceProperty = claim.Metadata.NamespaceProperty,
                    Uid = claim.Metadata.Uid,
                },
                HostPath = new V1HostPathVolumeSource { Path = context.Claims.PathOf(claim) },
                PersistentVolumeReclaimPolicy = "Retain",
                StorageClassName = claim.Spec.StorageClassName ?? "",
            },
        };
        // The controllers bind the two. Another node may have been faster.
        return SendAsync(token => context.Client.CoreV1.CreatePersistentVolumeAsync(volume, cancellationToken: token), cancellationToken);
    }

    private async Task GrowAsync(V1PersistentVolumeClaim claim, CancellationToken cancellationToken)
    {
        var size = claim.Spec.Resources.Requests[Storage];
        var volume = Patch("spec", size);
        await SendAsync(token => context.Client.CoreV1.PatchPersistentVolumeAsync(volume, claim.Spec.VolumeName, cancellationToken: token), cancellationToken);
        var status = Patch("status", size);
        await SendAsync(
            token =>
                context.Client.CoreV1.PatchNamespacedPersistentVolumeClaimStatusAsync(
                    status,
                    claim.Metadata.Name,
                    claim.Metadata.NamespaceProperty,
                    cancellationToken: token
                ),
            cancellationToken
        );
    }

    private static V1Patch Patch(string part, ResourceQuantity size) =>
        new(
            new JsonObject { [part] = new JsonObject { ["capacity"] = new JsonObject { [Storage] = size.ToString() } } }.ToJsonString(),
            V1Patch.PatchType.MergePatch
        );

    private Task<bool> SendAsync<T>(Func<CancellationToken, Task<T>> sendAsync, CancellationToken cancellationToken) =>
        context.RequestAsync(
            async token =>
            {
                try
                {
                    await sendAsync(token);
                }
                catch (HttpOperationException e) when (e.Response.StatusCode is HttpStatusCode.Conflict or HttpStatusCode.NotFound)
                {
                    // It is there already, or its claim is gone.
                }

                return true;
            },
            cancellationToken
        );
}
