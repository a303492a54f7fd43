using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;

namespace UrlShortener.Operator.Apply;

/// <summary>Changes labels of an object that somebody else made, such as a pod of a StatefulSet.</summary>
internal static class LabelPatch
{
    /// <summary>Sets labels, and removes those whose value is null.</summary>
    /// <param name="client">Writes to the API server.</param>
    /// <param name="live">The object.</param>
    /// <param name="labels">The labels.</param>
    /// <param name="manager">Field manager.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <returns>False: the object is gone, or another one has its name.</returns>
    public static async Task<bool> TryAsync<T>(
        ResourceClient client,
        T live,
        IEnumerable<KeyValuePair<string, string?>> labels,
        string manager,
        CancellationToken cancellationToken
    )
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var patch = new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["uid"] = live.Metadata.Uid,
                ["labels"] = new JsonObject(labels.Select(label => KeyValuePair.Create(label.Key, (JsonNode?)label.Value))),
            },
        };
        try
        {
            await client.PatchAsync<T>(ObjectKey.Of(live), patch, manager, cancellationToken);
            return true;
        }
        catch (ApiException gone) when (gone.IsNotFound || gone.IsConflict)
        {
            return false;
        }
    }
}
