using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Apply;

/// <summary>Ownership of the objects that the operator creates: Kubernetes deletes them with their owner.</summary>
internal static class Owned
{
    /// <summary>Metadata of an object of a region.</summary>
    /// <param name="region">The region.</param>
    /// <param name="suffix">Last part of its name.</param>
    /// <param name="component">Its component.</param>
    public static V1ObjectMeta Metadata(V1Alpha1ShortenerRegion region, string suffix, string component) =>
        Metadata(region, suffix, component, region.Spec.Region);

    /// <summary>Metadata of an object of any owner.</summary>
    public static V1ObjectMeta Metadata<TOwner>(TOwner owner, string suffix, string component, string region)
        where TOwner : class, IKubernetesObject<V1ObjectMeta>
    {
        var type = ResourceType.Of<TOwner>();
        return new V1ObjectMeta
        {
            Name = Names.Of(owner.Metadata.Name, suffix),
            NamespaceProperty = owner.Metadata.NamespaceProperty,
            Labels = Labels.Of(owner.Metadata.Name, component, region),
            OwnerReferences =
            [
                new V1OwnerReference
                {
                    ApiVersion = type.ApiVersion,
                    Kind = type.Kind,
                    Name = owner.Metadata.Name,
                    Uid = owner.Metadata.Uid,
                    Controller = true,
                    BlockOwnerDeletion = true,
                },
            ],
        };
    }

    /// <summary>Whether an object belongs to an owner.</summary>
    public static bool IsControlledBy(IMetadata<V1ObjectMeta> entity, IMetadata<V1ObjectMeta> owner) =>
        entity.Metadata.OwnerReferences?.Any(reference => reference.Controller == true && reference.Uid == owner.Metadata.Uid) == true;

    /// <summary>
    /// Whether the operator may adopt an object: it created the object for the same component of an owner with this name, and the object has lost its owner,
    /// as after <c>kubectl delete --cascade=orphan</c> or the restore of a backup.
    /// </summary>
    public static bool IsOrphan(IMetadata<V1ObjectMeta> live, IMetadata<V1ObjectMeta> desired) =>
        live.Metadata.DeletionTimestamp is null
        && !HasController(live)
        && Labels.IsManaged(live.Metadata)
        && Labels.InstanceOf(live.Metadata) == Labels.InstanceOf(desired.Metadata)
        && Labels.ComponentOf(live.Metadata) == Labels.ComponentOf(desired.Metadata);

    /// <summary>Whether an object has all labels that it is to have. Without them the operator's caches do not have it.</summary>
    public static bool HasLabels(IMetadata<V1ObjectMeta> live, IMetadata<V1ObjectMeta> desired) =>
        desired.Metadata.Labels.All(label => live.Metadata.Labels?.TryGetValue(label.Key, out var value) == true && value == label.Value);

    /// <summary>
    /// Whether an object was applied from its current desired state. The fields themselves may differ, because the cluster may change them, such as an image
    /// to that of a mirror.
    /// </summary>
    public static bool IsApplied(IMetadata<V1ObjectMeta> live, object desired) =>
        Labels.AnnotationOf(live.Metadata, Labels.AppliedDigest) == Digest.OfObject(desired);

    /// <summary>Whether an object belongs to any owner.</summary>
    public static bool HasController(IMetadata<V1ObjectMeta> entity) => entity.Metadata.OwnerReferences?.Any(reference => reference.Controller == true) == true;
}
