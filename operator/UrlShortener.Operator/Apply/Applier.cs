using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Events;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Apply;

/// <summary>
/// Applies desired objects by server-side apply, and only those that differ: in a steady state, and after a restart of the operator, it writes little. It
/// records an event of the owner for each change. A refusal of the API server is returned as an obstacle, so that other objects and the status are still
/// written.
/// </summary>
internal sealed class Applier(ResourceClient client, EventRecorder events, TimeProvider time)
{
    private const int MaxDisownAttempts = 3;

    // Live objects as the cache holds them, each with the digest of the desired object that it agreed with. Another version of a live object is another instance,
    // so that both sides of the comparison are known to be the same; entries go with the instances.
    private readonly ConditionalWeakTable<object, string> _agreed = [];

    // Keyed by kind and object. Entries that no longer matter are removed, because objects are deleted elsewhere.
    private readonly ConcurrentDictionary<(string Kind, ObjectKey Key), Contest> _contests = new();

    /// <summary>Whether an object in the cache matched its desired state when it was last applied, so that it was not written.</summary>
    /// <param name="live">The object in the cache; null: there is none.</param>
    public bool IsApplied(object? live) => live is not null && _agreed.TryGetValue(live, out _);

    /// <summary>Creates or updates an object unless it matches its desired state. Adopts an object of the operator that has lost its owner.</summary>
    /// <param name="owner">Owner of the object.</param>
    /// <param name="desired">The fields to own.</param>
    /// <param name="live">The object in the cache; null: there is none.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <returns>Why it cannot be applied; null: it matches its desired state.</returns>
    public Task<Obstacle?> EnsureAsync<T>(IKubernetesObject<V1ObjectMeta> owner, T desired, T? live, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var kind = ResourceType.Of<T>().Kind;
        ApplyMetrics.Prepare(kind);
        return TryAsync(owner, $"{kind} {desired.Metadata.Name}", () => ApplyAsync(owner, desired, live, cancellationToken));
    }

    /// <summary>Like <see cref="EnsureAsync"/> if the object is desired, like <see cref="DeleteAsync"/> if not.</summary>
    public Task<Obstacle?> EnsureIfAsync<T>(bool isWanted, IKubernetesObject<V1ObjectMeta> owner, Func<T> build, T? live, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta> =>
        isWanted ? EnsureAsync(owner, build(), live, cancellationToken) : DeleteAsync(owner, live, cancellationToken);

    /// <summary>Makes an object that has lost its owner belong to the owner again, and changes nothing else.</summary>
    /// <returns>Why it cannot be adopted; null: it is.</returns>
    public Task<Obstacle?> AdoptAsync<T>(IKubernetesObject<V1ObjectMeta> owner, T orphan, T desired, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>, new()
    {
        var kind = ResourceType.Of<T>().Kind;
        var name = $"{kind} {orphan.Metadata.Name}";
        var owned = new T
        {
            Metadata = new V1ObjectMeta
            {
                Name = orphan.Metadata.Name,
                NamespaceProperty = orphan.Metadata.NamespaceProperty,
                Uid = orphan.Metadata.Uid,
                OwnerReferences = desired.Metadata.OwnerReferences,
            },
        };
        return TryAsync(
            owner,
            name,
            async () =>
            {
                if (!await IsThereAsync(owner, cancellationToken))
                    return null;
                await client.ApplyAsync(owned, FieldManagers.Operator, force: true, cancellationToken);
                ApplyMetrics.Adoptions.WithLabels(kind).Inc();
                events.Record(owner, EventSeverity.Normal, "Adopted", "Update", $"Adopted {name}, which had no owner.");
                return null;
            }
        );
    }

    /// <summary>Deletes an object, if it exists and belongs to the owner.</summary>
    /// <param name="owner">The owner.</param>
    /// <param name="live">The object; null: there is none.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <param name="isLast">Whether the object stays until its dependents are gone, such as a Job until its pods have ended.</param>
    /// <returns>Why it cannot be deleted; null: it is, or need not be.</returns>
    public async Task<Obstacle?> DeleteAsync<T>(IKubernetesObject<V1ObjectMeta> owner, T? live, CancellationToken cancellationToken, bool isLast = false)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        if (live is null || live.Metadata.DeletionTimestamp is not null || !Owned.IsControlledBy(live, owner))
            return null;
        var name = $"{ResourceType.Of<T>().Kind} {live.Metadata.Name}";
        return await TryAsync(
            owner,
            name,
            async () =>
            {
                await client.DeleteAsync(live, cancellationToken, isLast);
                events.Record(owner, EventSeverity.Normal, "Deleted", "Delete", $"Deleted {name}.");
                return null;
            }
        );
    }

    /// <summary>Writes an object; a refusal becomes an obstacle and an event with the server's message.</summary>
    /// <param name="owner">Owner of the object.</param>
    /// <param name="name">Kind and name of the object.</param>
    /// <param name="writeAsync">Writes it.</param>
    public async Task<Obstacle?> TryAsync(IKubernetesObject<V1ObjectMeta> owner, string name, Func<Task<Obstacle?>> writeAsync)
    {
        try
        {
            return await writeAsync();
        }
        catch (ApiException refused) when (refused.IsRefusal)
        {
            return Refused(events, owner, name, refused);
        }
    }

    private async Task<Obstacle?> ApplyAsync<T>(IKubernetesObject<V1ObjectMeta> owner, T desired, T? live, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var kind = ResourceType.Of<T>().Kind;
        var name = $"{kind} {desired.Metadata.Name}";
        // The cache has only objects of the operator and may be outdated; an apply would take over any object with the name.
        live ??= await client.GetAsync<T>(ObjectKey.Of(desired), cancellationToken);
        var isOrphan = live is not null && Owned.IsOrphan(live, desired) && Labels.AnnotationOf(live.Metadata, Labels.AppliedDigest) is not null;
        if (live is not null && !isOrphan && !Owned.IsControlledBy(live, owner))
            return NameTaken(name, live);
        if (live?.Metadata.DeletionTimestamp is not null)
            return BeingDeleted(name, live);
        if (isOrphan && !await IsThereAsync(owner, cancellationToken))
            return null;

        var digest = Digest.OfObject(desired);
        if (live is not null && _agreed.TryGetValue(live, out var agreed) && agreed == digest)
            return null;
        if (live is not null)
            _agreed.Remove(live);
        desired.Metadata.Annotations = new Dictionary<string, string>(desired.Metadata.Annotations ?? new Dictionary<string, string>())
        {
            [Labels.AppliedDigest] = digest,
        };
        var wanted = FieldsOf(desired);
        var differences = live is null ? [] : Drift.Find(wanted, FieldsOf(live));
        if (live is not null && differences.Count == 0)
        {
            _agreed.AddOrUpdate(live, digest);
            return null;
        }

        var key = (kind, ObjectKey.Of(desired));
        var contest = _contests.GetValueOrDefault(key);
        if (live is not null && contest?.Accepts(live.Metadata.Uid, digest, differences, time.GetUtcNow()) == true)
            return null;

        var former = Labels.AnnotationOf(live?.Metadata, Labels.AppliedDigest);
        // Another client may remove the annotation too, as a tool that knows only its own annotations does.
        var isRevert = live is not null && !isOrphan && (former is null || former == digest);
        var applied =
            live is null ? await client.ApplyAsync(desired, FieldManagers.Operator, force: true, cancellationToken)
            : isRevert ? await WriteAsync(desired, wanted, differences, cancellationToken)
            : await MergeAsync(desired, wanted, cancellationToken);
        // Nothing changed: the cache does not show the last write yet.
        if (live is not null && applied.Metadata.ResourceVersion == contest?.Version && contest.Digest == digest)
            return null;
        var left = Drift.Find(wanted, FieldsOf(applied));
        if (left.Count > 0)
        {
            // Another client may have changed the object between two requests of this write. What a second write does not set either, the server changes.
            applied = await WriteAsync(desired, wanted, left, cancellationToken);
            left = Drift.Find(wanted, FieldsOf(applied));
        }

        var next =
            left.Count > 0 ? Contest.OfMutation(contest, applied.Metadata, digest, left, time.GetUtcNow())
            : isRevert ? Contest.OfRevert(contest, applied.Metadata, digest, differences, time.GetUtcNow())
            : null;
        if (next is not null)
            _contests[key] = next;
        else
            _contests.TryRemove(key, out _);
        foreach (var (other, entry) in _contests)
        {
            if (entry.IsOver(time.GetUtcNow()))
                _contests.TryRemove(other, out _);
        }

        if (live is null)
            events.Record(owner, EventSeverity.Normal, "Created", "Create", $"Created {name}.");
        else if (isOrphan)
        {
            ApplyMetrics.Adoptions.WithLabels(kind).Inc();
            events.Record(owner, EventSeverity.Normal, "Adopted", "Update", $"Adopted {name}, which had no owner.");
        }
        else if (!isRevert)
            events.Record(owner, EventSeverity.Normal, "Updated", "Update", $"Updated {name}.");
        else if (differences.FirstOrDefault(difference => left.All(other => other.Path != difference.Path)) is { } reverted)
        {
            ApplyMetrics.Reverts.WithLabels(kind).Inc();
            if (next is not { Values: null, Reverts: > Contest.FreeReverts })
                events.Record(owner, EventSeverity.Normal, "Reverted", "Update", $"Reverted a change of {reverted.Path} in {name} by another client.");
        }

        if (next is { IsNews: true })
        {
            ApplyMetrics.Contests.WithLabels(kind, next.Values is null ? ApplyMetrics.Client : ApplyMetrics.Cluster).Inc();
            events.Record(
                owner,
                EventSeverity.Warning,
                "Contested",
                "Update",
                next.Values is null
                    ? $"Another client has changed {next.Fields} in {name} {next.Reverts} times. The operator now reverts the change less often."
                    : $"The cluster changes {next.Fields} in {name} whenever the operator writes it, probably by an admission webhook. The operator accepts the "
                        + "value."
            );
        }

        return null;
    }

    /// <summary>The obstacle if an object with the name exists and is not the operator's.</summary>
    public static Obstacle NameTaken(string name, IMetadata<V1ObjectMeta> live) =>
        new(
            Reasons.NameTaken,
            live.Metadata.DeletionTimestamp is null
                ? $"{name} exists and does not belong to this object. Delete it, or use another name for this object."
                : $"{name} of an earlier object is still being deleted."
        );

    /// <summary>The obstacle if the API server refuses to write an object, also as an event.</summary>
    public static Obstacle Refused(EventRecorder events, IKubernetesObject<V1ObjectMeta> owner, string name, ApiException refused)
    {
        var message = $"The API server refuses {name}: {refused.ServerMessage.TrimEnd('.')}.";
        events.Record(owner, EventSeverity.Warning, Reasons.ApplyRefused, "Apply", message);
        return new Obstacle(Reasons.ApplyRefused, message);
    }

    // A change of it would have no effect: Kubernetes' controllers no longer act on it.
    private static Obstacle BeingDeleted(string name, IMetadata<V1ObjectMeta> live) =>
        new(
            Reasons.BeingDeleted,
            $"{name} is being deleted"
                + (live.Metadata.Finalizers is { Count: > 0 } finalizers ? $" and waits for {Text(finalizers)}" : "")
                + ". The operator creates it again when it is gone."
        );

    private static string Text(IList<string> finalizers) => $"its finalizers ({string.Join(", ", finalizers.Take(3))}{(finalizers.Count > 3 ? ", …" : "")})";

    // Kubernetes' garbage collector may be removing the owner from its objects right now. It later deletes again what the operator adopts for that owner.
    private async Task<bool> IsThereAsync(IKubernetesObject<V1ObjectMeta> owner, CancellationToken cancellationToken)
    {
        var key = ObjectKey.Of(owner);
        IKubernetesObject<V1ObjectMeta>? live =
            owner is V1Alpha1KeyPool
                ? await client.GetAsync<V1Alpha1KeyPool>(key, cancellationToken)
                : await client.GetAsync<V1Alpha1ShortenerRegion>(key, cancellationToken);
        return live?.Metadata is { DeletionTimestamp: null } metadata && metadata.Uid == owner.Metadata.Uid;
    }

    private Task<T> WriteAsync<T>(T desired, JsonObject wanted, IReadOnlyList<Difference> differences, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta> =>
        differences.Any(difference => difference.IsElement)
            ? ReplaceAsync(desired, wanted, isComplete: false, cancellationToken)
            : MergeAsync(desired, wanted, cancellationToken);

    // Server-side apply merges lists by key and keeps fields of others. Then conflicting leftovers are removed.
    private async Task<T> MergeAsync<T>(T desired, JsonObject wanted, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        try
        {
            var applied = await client.ApplyAsync(desired, FieldManagers.Operator, force: true, cancellationToken);
            return Drift.Find(wanted, FieldsOf(applied)).Any(difference => difference.IsExtra)
                ? await DisownAsync(await RepairAsync(applied, wanted, isComplete: false, cancellationToken), cancellationToken)
                : applied;
        }
        catch (ApiException refused) when (refused.IsInvalid)
        {
            return await ReplaceAsync(desired, wanted, isComplete: true, cancellationToken);
        }
    }

    // Conflicting fields are removed first.
    private async Task<T> ReplaceAsync<T>(T desired, JsonObject wanted, bool isComplete, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        try
        {
            if (await client.GetAsync<T>(ObjectKey.Of(desired), cancellationToken) is { } live)
                await RepairAsync(live, wanted, isComplete, cancellationToken);
            return await DisownAsync(await client.ApplyAsync(desired, FieldManagers.Operator, force: true, cancellationToken), cancellationToken);
        }
        catch (ApiException refused) when (refused.IsInvalid && !isComplete)
        {
            return await ReplaceAsync(desired, wanted, isComplete: true, cancellationToken);
        }
    }

    private Task<T> RepairAsync<T>(T live, JsonObject wanted, bool isComplete, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var fields = FieldsOf(live);
        return client.ReplaceAsync(live, fields, Drift.Repair(wanted, fields, isComplete), FieldManagers.Repair, cancellationToken);
    }

    // Kubernetes' controllers may write the status in the meantime.
    private async Task<T> DisownAsync<T>(T applied, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await client.DisownAsync(applied, FieldManagers.Repair, cancellationToken);
            }
            catch (ApiException changed) when (changed.IsConflict && attempt < MaxDisownAttempts)
            {
                if (await client.GetAsync<T>(ObjectKey.Of(applied), cancellationToken) is not { } current)
                    return applied;
                applied = current;
            }
        }
    }

    private static JsonObject FieldsOf(object entity)
    {
        var fields = JsonNode.Parse(KubernetesJson.Serialize(entity))!.AsObject();
        fields.Remove("apiVersion");
        fields.Remove("kind");
        fields.Remove("status");
        return fields;
    }
}
