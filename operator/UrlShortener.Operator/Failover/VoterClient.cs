using System.Text.Json.Nodes;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Clusters;

namespace UrlShortener.Operator.Failover;

/// <summary>Reads and writes voters: one ConfigMap each, which is only written on the condition that it has not changed since it was read.</summary>
internal sealed class VoterClient(ResourceClient client, ClusterClients? clusters = null)
{
    /// <summary>Maximum time for an answer.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    /// <summary>Reads a voter at its API server, never from a cache.</summary>
    public async Task<VoterRead> ReadAsync(VoterPlace place, CancellationToken cancellationToken)
    {
        if (place.Cluster is not null)
        {
            var answer = await AskAsync(place, (remote, token) => remote.GetAsync<V1ConfigMap>(place.Key, token), cancellationToken);
            return answer.Failure is { } failure ? new VoterRead(null, null, failure, answer.IsRefusal) : VoterRead.Of(answer.Value, place.Owner);
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Timeout);
        try
        {
            return VoterRead.Of(await client.GetAsync<V1ConfigMap>(place.Key, limit.Token));
        }
        catch (Exception error) when (IsFailure(error, cancellationToken))
        {
            return new VoterRead(null, null, Explain(place, error));
        }
    }

    /// <summary>Writes a voter's record.</summary>
    /// <param name="place">The voter.</param>
    /// <param name="read">What it was computed from.</param>
    /// <param name="record">The record.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <returns>The voter after it; null: it has changed since it was read, or it is not known whether the record was written.</returns>
    public async Task<VoterRead?> WriteAsync(VoterPlace place, VoterRead read, VoterRecord record, CancellationToken cancellationToken)
    {
        // A region's own reconcile creates the ConfigMap.
        if (read.Map is not { } map)
            return null;
        var patch = new JsonObject
        {
            // The UID: the record of a region that was deleted and created again is another one.
            ["metadata"] = new JsonObject { ["resourceVersion"] = map.Metadata.ResourceVersion, ["uid"] = map.Metadata.Uid },
            ["data"] = new JsonObject { [VoterPlace.VoterKey] = VoterText.Write(record) },
        };
        if (place.Owner is { } owner)
            patch["data"]![Witness.OwnerKey] = owner;
        // Without an answer, a later attempt reads what has become of it.
        if (place.Cluster is not null)
            return
                await AskAsync(
                    place,
                    async (remote, token) => await remote.PatchAsync<V1ConfigMap>(place.Key, patch, FieldManagers.Topology, token),
                    cancellationToken
                )
                    is { Value: { } written }
                ? VoterRead.Of(written, place.Owner)
                : null;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Timeout);
        try
        {
            return VoterRead.Of(await client.PatchAsync<V1ConfigMap>(place.Key, patch, FieldManagers.Topology, limit.Token));
        }
        catch (Exception error) when (IsFailure(error, cancellationToken))
        {
            // A later attempt reads what has become of it.
            return null;
        }
    }

    private async Task<ClusterAnswer<V1ConfigMap>> AskAsync(
        VoterPlace place,
        Func<ResourceClient, CancellationToken, Task<V1ConfigMap?>> ask,
        CancellationToken cancellationToken
    ) =>
        clusters?.Find(place.Namespace, place.Cluster!) is { } cluster
            ? await cluster.AskAsync(ask, cancellationToken)
            : new ClusterAnswer<V1ConfigMap>(null, $"There is no kubeconfig of cluster {place.Cluster}, which has ConfigMap {place.Namespace}/{place.Name}.");

    private static bool IsFailure(Exception error, CancellationToken cancellationToken) =>
        !cancellationToken.IsCancellationRequested && error is ApiException or HttpRequestException or IOException or OperationCanceledException;

    private static string Explain(VoterPlace place, Exception error) =>
        error is OperationCanceledException
            ? $"ConfigMap {place.Namespace}/{place.Name} could not be read within {Timeout.TotalSeconds:0} s."
            : $"ConfigMap {place.Namespace}/{place.Name} could not be read: {error.Message}";
}
