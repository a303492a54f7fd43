using System.Collections.Concurrent;
using System.Globalization;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Events;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Postgres;

namespace UrlShortener.Operator.Backups;

/// <summary>
/// Reconciles the backups of regions that ask for them: observe, plan, write pgBackRest's configuration, start a run that is due, write the status. A controller
/// of its own, so that a storage that is slow never delays a failover.
/// </summary>
internal sealed class BackupController(
    BackupObserver observer,
    StoreCertificates certificates,
    Informer<V1Secret> secrets,
    Applier applier,
    ResourceClient client,
    EventRecorder events,
    BackupTiming timing,
    TimeProvider time
) : IEntityController<V1Alpha1ShortenerRegion>
{
    // By UID of the region; removed with it.
    private readonly ConcurrentDictionary<string, BackupMemory> _memory = new();
    private readonly StatusWriter _status = new(BackupStatusRules.Part, client);

    /// <inheritdoc />
    public async Task<ReconciliationResult<V1Alpha1ShortenerRegion>> ReconcileAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        if (region.Spec.Postgres is not { } postgres || (postgres.Backup is null && postgres.Restore is null))
            return await ForgetAsync(region, cancellationToken);
        region = _status.LatestOf(region);
        var memory = await ConnectAsync(region, _memory.GetValueOrDefault(region.Metadata.Uid) ?? new BackupMemory(), cancellationToken);
        _memory[region.Metadata.Uid] = memory;
        var observed = await observer.ObserveAsync(region, memory.Connections, cancellationToken);
        var now = time.GetUtcNow();
        var (plan, restore) = (BackupPlan.Of(region, observed, now), RestorePlan.Of(region, observed, now));
        if (restore?.Starts is { } first)
            restore = restore with { Obstacle = await RestoreAsync(region, first, cancellationToken) };
        if (postgres.Backup is not null && plan.Obstacle is null && !region.Spec.IsSuspended())
        {
            var (obstacle, check) = await ConfigureAsync(region, observed, memory, cancellationToken);
            plan = plan with { Obstacle = obstacle, Status = check is null ? plan.Status : plan.Status with { PassphraseCheck = check } };
        }

        if (plan is { Starts: { } run, Obstacle: null })
            plan = plan with { Obstacle = await StartAsync(region, run, observed.Primary, cancellationToken) };
        var rehearsal = RehearsalPlan.Of(region, observed, plan, now);
        if (rehearsal?.Starts is { } trial)
            plan = plan with { Obstacle = await StartAsync(region, trial, null, cancellationToken) };
        if (!region.Spec.IsSuspended())
        {
            await CleanAsync(region, observed, plan.Deletes.Concat(rehearsal?.Deletes ?? []).Concat(restore?.Deletes ?? []), cancellationToken);
            foreach (var pod in rehearsal?.DeletesPods ?? [])
                await client.DeleteAsync(pod, cancellationToken);
        }

        var conditions = BackupStatusRules.Build(region, observed, (plan, rehearsal, restore), now);
        var status = plan.Status with { Rehearsal = rehearsal?.Status, Restore = restore?.Status };
        await _status.WriteAsync(region, status, conditions.Conditions, cancellationToken);
        ConditionEvents.Record(events, region, conditions.Changed);
        Report(region, plan, rehearsal, restore);
        BackupMetrics.Set(region, observed, plan, rehearsal, conditions);
        return ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region, timing.Interval);
    }

    /// <inheritdoc />
    // Kubernetes' garbage collector deletes the objects of the region. What is in the storage stays.
    public Task<ReconciliationResult<V1Alpha1ShortenerRegion>> DeletedAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        if (_memory.TryRemove(region.Metadata.Uid, out var memory))
            memory.Connections?.Dispose();
        _status.Forget(region);
        BackupMetrics.Remove(region);
        return Task.FromResult(ReconciliationResult<V1Alpha1ShortenerRegion>.Success(region));
    }

    // A region that no longer asks for backups: its status would tell of old ones for ever.
    private async Task<ReconciliationResult<V1Alpha1ShortenerRegion>> ForgetAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        if (region.Status?.Backup is not null)
            await _status.WriteAsync(region, null, [], cancellationToken);
        if (region.Spec.Postgres is not null && !region.Spec.IsSuspended())
        {
            var observed = await observer.ObserveAsync(region, null, cancellationToken);
            await CleanAsync(region, observed, BackupPlan.Of(region, observed, time.GetUtcNow()).Deletes, cancellationToken);
        }

        return await DeletedAsync(region, cancellationToken);
    }

    private async Task CleanAsync(V1Alpha1ShortenerRegion region, ObservedBackups observed, IEnumerable<V1Job> jobs, CancellationToken cancellationToken)
    {
        foreach (var job in jobs)
            await client.DeleteAsync(job, cancellationToken);
        if (region.Spec.Postgres!.Backup is null)
            await EmptyAsync(region, observed.Configuration, BackupRepository.BuildEmpty(region), cancellationToken);
        if (RestorePlan.IsOver(region))
            await EmptyAsync(region, observed.RestoreConfiguration, BackupRepository.BuildEmptyRestore(region), cancellationToken);
    }

    // The operator may not delete Secrets.
    private async Task EmptyAsync(V1Alpha1ShortenerRegion region, V1Secret? secret, V1Secret empty, CancellationToken cancellationToken)
    {
        if (secret is not { Data.Count: > 0 } || !Owned.IsControlledBy(secret, region))
            return;
        await client.ApplyAsync(empty, FieldManagers.Operator, force: true, cancellationToken);
        events.Record(region, EventSeverity.Normal, "BackupConfigured", "Update", $"Removed the key of the storage from Secret {secret.Metadata.Name}.");
    }

    private async Task<BackupMemory> ConnectAsync(V1Alpha1ShortenerRegion region, BackupMemory memory, CancellationToken cancellationToken)
    {
        var key = new ObjectKey(region.Metadata.NamespaceProperty, StoreCertificates.NameOf(region, PostgresNames.Component));
        if (!secrets.Cache.TryGet(key, out var cached) || cached.Metadata.ResourceVersion == memory.CertificatesVersion)
            return memory;
        if (await certificates.ReadAsync(region, PostgresNames.Component, cancellationToken) is not { } set)
            return memory;
        memory.Connections?.Dispose();
        return memory with
        {
            Connections = new MemberConnections(set, PostgresNames.ServiceHostOf(region)),
            CertificatesVersion = cached.Metadata.ResourceVersion,
        };
    }

    // The cache has digests of Secrets, no values: they are read only when something has changed.
    private async Task<(Obstacle? Obstacle, string? PassphraseCheck)> ConfigureAsync(
        V1Alpha1ShortenerRegion region,
        ObservedBackups observed,
        BackupMemory memory,
        CancellationToken cancellationToken
    )
    {
        if (BackupRepository.PathOf(region) is not { } path)
            return (null, null);
        var state = Digest.Of(
            path,
            Digest.OfObject(region.Spec.Postgres!.Backup!),
            observed.Credentials?.Metadata.ResourceVersion ?? "",
            observed.Configuration?.Metadata.ResourceVersion ?? ""
        );
        if (state == memory.Written)
            return (null, null);
        var (data, missing) = await ReadAsync(region, region.Spec.Postgres.Backup!.Repository, cancellationToken);
        if (missing is not null)
            return (missing, null);
        var wanted = BackupRepository.BuildConfiguration(region, data);
        var obstacle = await applier.TryAsync(
            region,
            $"Secret {PostgresArchiving.SecretOf(region)}",
            () => WriteAsync(region, wanted, keepsPassphrase: true, cancellationToken)
        );
        if (obstacle is not null)
            return (obstacle, null);
        _memory[region.Metadata.Uid] = memory with { Written = state };
        return (null, BackupRepository.CheckOf(region, wanted));
    }

    // The values of the user's Secret; none: a repository on a volume needs no key.
    private async Task<(IDictionary<string, byte[]> Data, Obstacle? Missing)> ReadAsync(
        V1Alpha1ShortenerRegion region,
        BackupRepositorySpec spec,
        CancellationToken cancellationToken
    )
    {
        var none = new Dictionary<string, byte[]>();
        if (spec.SecretRef is not { } name)
            return (none, null);
        if (await client.GetAsync<V1Secret>(new ObjectKey(region.Metadata.NamespaceProperty, name.Name), cancellationToken) is not { } secret)
            return (none, new Obstacle(Reasons.SecretNotFound, $"Secret {name.Name} does not exist in this namespace. {BackupRepository.AdviceOf(spec)}"));
        var data = secret.Data ?? none;
        return (data, BackupRepository.FindProblem(spec, data) is { } problem ? new Obstacle(Reasons.SecretNotFound, $"Secret {name.Name} {problem}.") : null);
    }

    private async Task<Obstacle?> WriteAsync(V1Alpha1ShortenerRegion region, V1Secret wanted, bool keepsPassphrase, CancellationToken cancellationToken)
    {
        var live = await client.GetAsync<V1Secret>(ObjectKey.Of(wanted), cancellationToken);
        if (live is not null && !Owned.IsControlledBy(live, region) && !Owned.IsOrphan(live, wanted))
            return Applier.NameTaken($"Secret {wanted.Metadata.Name}", live);
        if (keepsPassphrase && BackupRepository.ChangesPassphrase(region, live, wanted))
            return new Obstacle(
                Reasons.PassphraseChanged,
                $"Secret {region.Spec.Postgres!.Backup!.Repository.SecretRef?.Name} has another passphrase than the repository was created with. "
                    + (
                        BackupRepository.Keeps(live)
                            ? $"The members keep the former one, which is in {PostgresArchiving.ConfigFile} of Secret {wanted.Metadata.Name}."
                            : $"Secret {wanted.Metadata.Name} was deleted or edited, and does not have the former one any more. Nothing is archived."
                    )
                    + " Return to it, or set another bucket or claimRef."
            );
        if (
            live is not null
            && Owned.IsControlledBy(live, region)
            && Labels.AnnotationOf(live.Metadata, Labels.AppliedDigest) == Labels.AnnotationOf(wanted.Metadata, Labels.AppliedDigest)
            && live.Data?.Count == wanted.Data.Count
            && wanted.Data.All(file => live.Data.TryGetValue(file.Key, out var value) && value.AsSpan().SequenceEqual(file.Value))
        )
            return null;
        await client.ApplyAsync(wanted, FieldManagers.Operator, force: true, cancellationToken);
        events.Record(region, EventSeverity.Normal, "BackupConfigured", "Update", $"Wrote pgBackRest's configuration into Secret {wanted.Metadata.Name}.");
        return null;
    }

    // Before there are members: their StatefulSet waits for the end of the restore, and takes the claim over.
    private async Task<Obstacle?> RestoreAsync(V1Alpha1ShortenerRegion region, BackupRun run, CancellationToken cancellationToken)
    {
        var (data, missing) = await ReadAsync(region, region.Spec.Postgres!.Restore!.Repository, cancellationToken);
        if (missing is not null)
            return missing;
        var selector = string.Join(',', PostgresResources.SelectorOf(region).Select(label => $"{label.Key}={label.Value}"));
        var claims = await client.ListAsync<V1PersistentVolumeClaim>(region.Metadata.NamespaceProperty, ("labelSelector", selector), cancellationToken);
        if (KeptVolumes.FindOthers(region, claims) is { Count: > 0 } kept)
            return new Obstacle(
                Reasons.VolumesKept,
                $"PersistentVolumeClaims of a former region exist: {string.Join(", ", kept)}. A restore would overwrite them. Delete them, or give the new region "
                    + "another name."
            );
        var claim = PostgresResources.BuildFirstClaim(region);
        return await applier.TryAsync(
                region,
                $"Secret {BackupRepository.RestoreSecretOf(region)}",
                () => WriteAsync(region, BackupRepository.BuildRestoreConfiguration(region, data), keepsPassphrase: false, cancellationToken)
            )
            ?? await applier.TryAsync(region, $"PersistentVolumeClaim {claim.Metadata.Name}", () => CreateAsync(claim, cancellationToken))
            ?? await StartAsync(region, run, null, cancellationToken);
    }

    private async Task<Obstacle?> CreateAsync(V1PersistentVolumeClaim claim, CancellationToken cancellationToken)
    {
        try
        {
            await client.CreateAsync(claim, FieldManagers.Operator, cancellationToken);
        }
        catch (ApiException exists) when (exists.IsAlreadyExists)
        {
            // Of an attempt before. If it has a database, the Job refuses it.
        }

        return null;
    }

    private Task<Obstacle?> StartAsync(V1Alpha1ShortenerRegion region, BackupRun run, V1Pod? primary, CancellationToken cancellationToken)
    {
        var job = BackupResources.BuildJob(region, run, primary?.Metadata.Name);
        return applier.TryAsync(
            region,
            $"Job {job.Metadata.Name}",
            async () =>
            {
                try
                {
                    await client.CreateAsync(job, FieldManagers.Operator, cancellationToken);
                    events.Record(region, EventSeverity.Normal, "BackupStarted", "Backup", $"Started Job {job.Metadata.Name}: {run.Kind} ({run.Cause}).");
                }
                catch (ApiException exists) when (exists.IsAlreadyExists)
                {
                    // The cache does not show it yet, unless it is another one.
                    var live = await client.GetAsync<V1Job>(ObjectKey.Of(job), cancellationToken);
                    if (live is not null && (live.Metadata.DeletionTimestamp is not null || !BackupResources.IsOf(live, region)))
                        return Applier.NameTaken($"Job {job.Metadata.Name}", live);
                }

                return null;
            }
        );
    }

    private void Report(V1Alpha1ShortenerRegion region, BackupPlan plan, RehearsalPlan? rehearsal, RestorePlan? restore)
    {
        if (plan.Ended is { } run)
        {
            BackupMetrics.Count(region, run);
            Tell(run.Succeeded == true, "BackupCompleted", Reasons.BackupFailed, $"Job {run.Job} ({run.Kind})", run.Message);
        }

        if (rehearsal?.Ended is { } trial)
            Tell(
                trial.Succeeded == true,
                "RehearsalCompleted",
                Reasons.RehearsalFailed,
                $"Job {trial.Job} (a restore{Links(trial.Succeeded, trial.Links)})",
                trial.Message
            );
        if (restore?.Ended is { } first)
            Tell(
                first.Succeeded == true,
                "RestoreCompleted",
                Reasons.RestoreFailed,
                $"Job {first.Job} (a restore{Links(first.Succeeded, first.Links)})",
                first.Message
            );

        static string Links(bool? succeeded, long? known) =>
            succeeded == true && known is { } links ? string.Create(CultureInfo.InvariantCulture, $" of {links} links") : "";

        void Tell(bool succeeded, string completed, string failed, string what, string? message)
        {
            if (succeeded)
                events.Record(region, EventSeverity.Normal, completed, "Backup", $"{what} completed.");
            else
                events.Record(region, EventSeverity.Warning, failed, "Backup", $"{what} failed: {message}");
        }
    }
}
