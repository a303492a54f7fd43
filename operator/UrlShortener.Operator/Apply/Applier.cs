using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Events;
using UrlShortener.Operator.Conditions;

namespace UrlShortener.Operator.Apply;

/// <summary>
/// Applies desired objects by server-side apply, and only those that differ: in a steady state, and after a restart of the operator, it writes nothing. It
/// records an event of the owner for each change.
/// </summary>
internal sealed class Applier(ResourceClient client, EventRecorder events)
{
    // Objects that others, such as admission webhooks, change right after each apply: their state is accepted. By kind and key, so that the number of entries
    // is bounded.
    private readonly ConcurrentDictionary<(string Kind, ObjectKey Key), Settled> _settled = new();

    /// <summary>Creates or updates an object unless it matches its desired state.</summary>
    /// <param name="owner">Owner of the object.</param>
    /// <param name="desired">The fields to own.</param>
    /// <param name="live">The object in the cache; null: there is none.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <returns>Why it cannot be applied; null: it matches its desired state.</returns>
    public async Task<Obstacle?> EnsureAsync<T>(IKubernetesObject<V1ObjectMeta> owner, T desired, T? live, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var name = $"{ResourceType.Of<T>().Kind} {desired.Metadata.Name}";
        // The cache has only objects of the operator, and may be late; an apply would take over any object with the name.
        live ??= await client.GetAsync<T>(ObjectKey.Of(desired), cancellationToken);
        if (live is not null && !Owned.IsControlledBy(live, owner))
        {
            return new Obstacle(
                Reasons.NameTaken,
                live.Metadata.DeletionTimestamp is null
                    ? $"{name} exists and does not belong to this object. Delete it, or use another name for this object."
                    : $"{name} of an earlier object is still being deleted."
            );
        }

        var digest = Digest.OfObject(desired);
        desired.Metadata.Annotations = new Dictionary<string, string>(desired.Metadata.Annotations ?? new Dictionary<string, string>())
        {
            [Labels.AppliedDigest] = digest,
        };
        var drift = live is null ? null : Drift.Find(FieldsOf(desired), FieldsOf(live));
        if (live is not null && (drift is null || IsSettled<T>(live, digest)))
            return null;

        var isSame = live is not null && Labels.AnnotationOf(live.Metadata, Labels.AppliedDigest) == digest;
        var applied = await client.ApplyAsync(desired, FieldManagers.Operator, force: true, cancellationToken);
        if (Drift.Find(FieldsOf(desired), FieldsOf(applied)) is not null)
            _settled[KeyOf<T>(applied)] = Settled.Of(applied, digest);
        else
            _settled.TryRemove(KeyOf<T>(applied), out _);
        if (live is null)
            events.Record(owner, EventSeverity.Normal, "Created", "Create", $"Created {name}.");
        else if (isSame)
            events.Record(owner, EventSeverity.Normal, "Reverted", "Update", $"Reverted a change of {drift} in {name} by another client.");
        else
            events.Record(owner, EventSeverity.Normal, "Updated", "Update", $"Updated {name}.");
        return null;
    }

    /// <summary>Like <see cref="EnsureAsync"/> if the object is desired, like <see cref="DeleteAsync"/> if not.</summary>
    public async Task<Obstacle?> EnsureIfAsync<T>(
        bool isWanted,
        IKubernetesObject<V1ObjectMeta> owner,
        Func<T> build,
        T? live,
        CancellationToken cancellationToken
    )
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        if (isWanted)
            return await EnsureAsync(owner, build(), live, cancellationToken);
        await DeleteAsync(owner, live, cancellationToken);
        return null;
    }

    /// <summary>Deletes an object, if it exists and belongs to the owner.</summary>
    public async Task DeleteAsync<T>(IKubernetesObject<V1ObjectMeta> owner, T? live, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        if (live is null || live.Metadata.DeletionTimestamp is not null || !Owned.IsControlledBy(live, owner))
            return;
        await client.DeleteAsync(live, cancellationToken);
        events.Record(owner, EventSeverity.Normal, "Deleted", "Delete", $"Deleted {ResourceType.Of<T>().Kind} {live.Metadata.Name}.");
    }

    private static (string Kind, ObjectKey Key) KeyOf<T>(IMetadata<V1ObjectMeta> entity) => (ResourceType.Of<T>().Kind, ObjectKey.Of(entity));

    private bool IsSettled<T>(IMetadata<V1ObjectMeta> live, string digest) =>
        _settled.TryGetValue(KeyOf<T>(live), out var settled) && settled == Settled.Of(live, digest);

    private static JsonObject FieldsOf(object entity)
    {
        var fields = JsonNode.Parse(KubernetesJson.Serialize(entity))!.AsObject();
        fields.Remove("apiVersion");
        fields.Remove("kind");
        fields.Remove("status");
        return fields;
    }

    // Without a generation, the resource version changes only with the object; with one, it also changes with the status.
    private sealed record Settled(string Uid, string Digest, string Version)
    {
        public static Settled Of(IMetadata<V1ObjectMeta> entity, string digest) =>
            new(entity.Metadata.Uid, digest, entity.Metadata.Generation is > 0 and { } generation ? $"{generation}" : entity.Metadata.ResourceVersion);
    }
}
