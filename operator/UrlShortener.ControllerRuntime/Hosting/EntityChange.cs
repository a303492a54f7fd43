using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Informers;

namespace UrlShortener.ControllerRuntime.Hosting;

/// <summary>Decides which changes of an object cause a reconcile.</summary>
public static class EntityChange
{
    /// <summary>
    /// Whether more than the status differs. The server increases the generation when the spec of an object with a status changes; for kinds without a
    /// generation every change counts. A resync without a change counts too: that is its purpose.
    /// </summary>
    public static bool IsRelevant<T>(ObjectChange<T> change)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        if (change.Old is not { } old || change.New is not { } current || ReferenceEquals(old, current))
            return true;
        var (before, now) = (old.Metadata, current.Metadata);
        return now.Generation is null or 0
            || before.Generation != now.Generation
            || before.DeletionTimestamp != now.DeletionTimestamp
            || !Same(before.Labels, now.Labels)
            || !Same(before.Annotations, now.Annotations)
            || !(before.Finalizers ?? []).SequenceEqual(now.Finalizers ?? []);
    }

    /// <summary>The key of the controlling object of a kind; null: none.</summary>
    public static ObjectKey? FindController<TOwner>(IMetadata<V1ObjectMeta> owned)
    {
        var type = ResourceType.Of<TOwner>();
        var owner = owned.Metadata.OwnerReferences?.FirstOrDefault(reference =>
            reference.Controller == true && reference.Kind == type.Kind && GroupOf(reference.ApiVersion) == type.Group
        );
        return owner is null ? null : new ObjectKey(owned.Metadata.NamespaceProperty ?? "", owner.Name);
    }

    private static string GroupOf(string apiVersion) => apiVersion.Split('/') is [var group, _] ? group : "";

    private static bool Same(IDictionary<string, string>? one, IDictionary<string, string>? other) =>
        (one?.Count ?? 0) == (other?.Count ?? 0)
        && (one ?? new Dictionary<string, string>()).All(pair => other!.TryGetValue(pair.Key, out var value) && value == pair.Value);
}
