using System.Globalization;
using System.Text;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Backups;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Postgres;
using UrlShortener.Operator.Tests.Postgres;
using UrlShortener.Operator.Tests.Regions;
using UrlShortener.TestServers.Network;
using UrlShortener.TestServers.S3;
using Xunit;

namespace UrlShortener.Operator.Tests.Backups;

/// <summary>Backups of a PostgreSQL that the operator runs: real Patroni, PostgreSQL and pgBackRest in pods of this machine, and a real storage.</summary>
public sealed class BackupTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    private const string Repository = "repository";
    private const string VolumeRepository = $$"""{ "claimRef": { "name": "{{Repository}}" } }""";
    private const string EveryMinute = "* * * * *";

    // Twelve hours from now: no backup begins that the test does not ask for.
    private static readonly string FarAway = string.Create(CultureInfo.InvariantCulture, $"0 {TimeProvider.System.GetUtcNow().AddHours(12).Hour} * * *");

    // Between two writes: each is a process.
    private static readonly TimeSpan WriteInterval = TimeSpan.FromMilliseconds(200);

    // The session of a backup that waits for a checkpoint.
    private const string WaitingBackup =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgBackRest%' AND query ~ 'pg_backup_start|pg_start_backup'";

    // The operator is killed at the first Job of each kind, before it can write that there is one.
    [Fact]
    public async Task Backup_OperatorJobsAndStorageThatFail_AreToldAndCaughtUp()
    {
        await StartAsync(hasOperator: false, programs: await Availability.OrSkipAsync(StorePrograms.FindAsync(Token)));
        await using var storage = await Availability.OrSkipAsync(S3Server.StartAsync(Token));
        await using var faults = await StorageFaults.StartAsync(storage);
        await using var gate = new TcpGate(faults.Port);
        await using var restoreGate = new TcpGate(storage.Port);
        await using var operators = await MortalOperator.StartAsync(
            Lab,
            new BackupTiming
            {
                Interval = TimeSpan.FromSeconds(2),
                FirstRetry = TimeSpan.FromSeconds(5),
                FailingLimit = TimeSpan.FromSeconds(5),
                // A minute of the schedule is over in 2 s.
                RehearsalSpeed = 30,
            },
            BackupKind.Full,
            BackupKind.Differential,
            BackupKind.Restore,
            BackupKind.Rehearsal
        );

        await BeginWithAWrongKeyAsync(storage, gate, operators);
        await EditCarelesslyAsync(storage);
        var first = (await ReadAsync()).LastBackup!;
        // The tables of the product are there: a first backup may be faster than they are.
        await Lab.UntilAsync("Ready", "True");
        // Two writes, and a region that is restored to a moment between them.
        await SqlAsync("CREATE TABLE proof (id int)", "INSERT INTO proof VALUES (1)");
        var between = DateTimeOffset.Parse(await SqlAsync("SELECT clock_timestamp() AT TIME ZONE 'UTC'") + "Z", CultureInfo.InvariantCulture);
        await SqlAsync("INSERT INTO proof VALUES (11)");
        await UntilArchivedAsync("eu");
        var path = (await ReadAsync()).Repository![$"s3://{S3Server.Bucket}".Length..];

        var rehearsed = RehearseFromTheBucketAsync(faults, operators);
        List<Task> all = [FailAndRecoverAsync(faults, operators, first, rehearsed), RestoreTwiceAsync(restoreGate, operators, path, between), rehearsed];
        // One that fails ends the test at once.
        while (all.Count > 0)
        {
            var ended = await Task.WhenAny(all);
            all.Remove(ended);
            await ended;
        }

        // It is backed up to a volume, and writes nothing to the bucket.
        Assert.All(storage.List(), name => Assert.StartsWith(path[1..], name, StringComparison.Ordinal));
        Assert.Empty(operators.Left);
        Assert.True(operators.IsProgramKilled);
    }

    // The storage refuses the key, until the Secret has the right one. The archive begins with the first backup.
    private async Task BeginWithAWrongKeyAsync(S3Server storage, TcpGate gate, MortalOperator operators)
    {
        await WriteSecretAsync(storage, "wrong");
        await Lab.Client.CreateAsync(Lab.Region(patch: PatchOf(gate)));
        var refused = await Lab.UntilAsync("LastBackupSucceeded", "False", reason: "BackupFailed");
        Assert.Contains("403", refused.Message, StringComparison.Ordinal);
        // The operator that created the Job was killed, and another one has read its end before it created any.
        await UntilEventAsync("BackupFailed", operators.Created[0].Name);
        await AssertOneAtATimeAsync("eu");
        await WriteSecretAsync(storage, storage.SecretKey);
        await Lab.UntilAsync("LastBackupSucceeded", "True");
        await Lab.UntilAsync("ContinuousArchiving", "True");
        var status = await ReadAsync();
        Assert.EndsWith("F", status.LastBackup!.Label, StringComparison.Ordinal);
        Assert.True(status.LastBackup.SizeBytes > 0);
        Assert.NotNull(status.RecoverableFrom);
    }

    // Somebody edits or deletes what backups need. The passphrase of backups that exist is kept, and with it the archive goes on.
    private async Task EditCarelesslyAsync(S3Server storage)
    {
        var configuration = await ReadConfigurationAsync();
        await WriteSecretAsync(storage, storage.SecretKey, passphrase: "another one");
        await Lab.UntilAsync("LastBackupSucceeded", "False", reason: "PassphraseChanged");
        Assert.Equal(configuration, await ReadConfigurationAsync());
        await UntilArchivedAsync("eu");
        // Also if nothing has the former one any more.
        await Lab.Client.CoreV1.DeleteNamespacedSecretAsync("eu-postgres-backup", Lab.Namespace, cancellationToken: Token);
        await Eventually.HoldsAsync(
            async () =>
                (await Lab.UntilAsync("LastBackupSucceeded", "False", reason: "PassphraseChanged")).Message.Contains("deleted", StringComparison.Ordinal),
            "the condition tells of the Secret"
        );
        Assert.Null(await ReadConfigurationAsync());
        await WriteSecretAsync(storage, storage.SecretKey);
        await Eventually.HoldsAsync(async () => await ReadConfigurationAsync() == configuration, "the Secret has the passphrase again");
        await Lab.UntilAsync("LastBackupSucceeded", "True");

        await Lab.Client.CoreV1.PatchNamespacedSecretAsync(
            new V1Patch("""{ "data": { "pgbackrest.conf": "bm9uc2Vuc2U=", "ca.crt": null } }""", V1Patch.PatchType.MergePatch),
            "eu-postgres-backup",
            Lab.Namespace,
            cancellationToken: Token
        );
        await Eventually.HoldsAsync(async () => await ReadConfigurationAsync() == configuration, "the configuration is written back");
        await Lab.Client.CoreV1.DeleteNamespacedSecretAsync("eu-postgres-backup", Lab.Namespace, cancellationToken: Token);
        await Eventually.HoldsAsync(async () => await ReadConfigurationAsync() == configuration, "the Secret is there again");
        await UntilArchivedAsync("eu");
    }

    private async Task<string?> ReadConfigurationAsync() =>
        (await Lab.Client.CoreV1.ListNamespacedSecretAsync(Lab.Namespace, cancellationToken: Token))
            .Items.Where(one => one.Metadata.Name == "eu-postgres-backup" && one.Data is { Count: 2 })
            .Select(one => Encoding.UTF8.GetString(one.Data["pgbackrest.conf"]))
            .SingleOrDefault();

    // The process of the first rehearsal is killed while it reads the backup, and the Job of the next one is deleted. What is archived meanwhile, and who fails,
    // is not its affair.
    private async Task RehearseFromTheBucketAsync(StorageFaults faults, MortalOperator operators)
    {
        faults.Holds = path => path.Contains("/bundle/", StringComparison.Ordinal) || path.Contains("/pg_data/", StringComparison.Ordinal);
        await Lab.PatchAsync($$"""{ "postgres": { "backup": { "rehearsal": { "schedule": "{{EveryMinute}}" } } } }""");
        var killed = await UntilStartedAsync(1);
        await KillPodOfAsync(killed);
        await UntilFailureIsToldAsync("RehearsalFailed", killed, RehearsalFailed);
        var deleted = await UntilStartedAsync(2);
        await UntilRunsAsync(deleted);
        await Lab.Client.BatchV1.DeleteNamespacedJobAsync(deleted, Lab.Namespace, propagationPolicy: "Background", cancellationToken: Token);
        await UntilFailureIsToldAsync("RehearsalFailed", deleted, RehearsalFailed);
        var failed = await Lab.UntilAsync("LastRehearsalSucceeded", "False", reason: "RehearsalFailed");
        Assert.Contains("never", failed.Message, StringComparison.Ordinal);

        faults.Holds = _ => false;
        await Lab.UntilAsync("LastRehearsalSucceeded", "True");
        var rehearsal = (await ReadAsync()).Rehearsal!;
        Assert.NotNull(rehearsal.Links);
        foreach (var job in (string[])[killed, deleted, rehearsal.Job!])
            await UntilNoScratchVolumeAsync(job);
        await Lab.PatchAsync("""{ "postgres": { "backup": { "rehearsal": null } } }""");

        static bool RehearsalFailed(BackupStatus status, string job) => status.Rehearsal is { Succeeded: false } last && last.Job == job;

        async Task<string> UntilStartedAsync(int number)
        {
            await Eventually.HoldsAsync(() => Started().Count >= number, $"rehearsal {number} starts");
            return Started()[number - 1];
        }

        List<string> Started() =>
            [
                .. operators
                    .Created.Where(one => one.Kind == BackupKind.Rehearsal && one.Name.StartsWith("eu-backup-", StringComparison.Ordinal))
                    .Select(one => one.Name)
                    .Distinct(),
            ];
    }

    // Kubernetes names it after the pod.
    private Task UntilNoScratchVolumeAsync(string job) =>
        Eventually.HoldsAsync(
            async () =>
                (await Lab.Client.CoreV1.ListNamespacedPersistentVolumeClaimAsync(Lab.Namespace, cancellationToken: Token)).Items.All(claim =>
                    !claim.Metadata.Name.StartsWith($"{job}-", StringComparison.Ordinal)
                ),
            $"the volume of {job} is deleted"
        );

    private async Task FailAndRecoverAsync(StorageFaults faults, MortalOperator operators, BackupResult first, Task rehearsed)
    {
        await KillBackupAsync(operators);
        await Lab.UntilAsync("LastBackupSucceeded", "True");
        Assert.EndsWith("D", (await ReadAsync()).LastBackup!.Label, StringComparison.Ordinal);

        // The storage answers too late: the write-ahead log stays on the primary, and a backup that is asked for fails.
        await Lab.UntilAsync("PostgresDegraded", "False");
        faults.Delay = TimeSpan.FromMinutes(1);
        await SqlAsync("INSERT INTO proof VALUES (21)", "SELECT pg_switch_wal()");
        await AskAsync("2");
        await Lab.UntilAsync("LastBackupSucceeded", "False", reason: "BackupFailed");
        await UntilArchivingFailsAsync("timeout");

        // The primary dies meanwhile with what it could not archive. Its successor archives it.
        var dead = (await Lab.ReadAsync()).Status!.Postgres!.Primary!;
        await new PostgresMembers(Lab).KillUntilAnotherLeadsAsync(Lab.Kubelet, dead);
        await Eventually.HoldsAsync(
            async () => (await Lab.ReadAsync()).Status!.Postgres is { Primary: { } primary } && primary != dead,
            () => "another member is the primary",
            TimeSpan.FromSeconds(60)
        );

        // The storage answers in time, and is full. Then there is no room for a backup alone.
        (faults.Refuses, faults.Delay) = (_ => true, TimeSpan.Zero);
        await SqlAsync("INSERT INTO proof VALUES (2)", "SELECT pg_switch_wal()");
        await UntilArchivingFailsAsync("507");
        faults.Refuses = name => name.Contains("/backup/", StringComparison.Ordinal);
        await SqlAsync("INSERT INTO proof VALUES (22)", "SELECT pg_switch_wal()");
        await Lab.UntilAsync("ContinuousArchiving", "True");
        await AskAsync("3");
        await Eventually.HoldsAsync(
            async () =>
                (await Lab.UntilAsync("LastBackupSucceeded", "False", reason: "BackupFailed")).Message is { } message
                && message.Contains("507", StringComparison.Ordinal)
                && message.Contains("could not be removed", StringComparison.Ordinal),
            () => "a full storage is told"
        );

        faults.Refuses = _ => false;
        await AskAsync("4");
        await Lab.UntilAsync("LastBackupSucceeded", "True");
        await Eventually.HoldsAsync(
            async () => (await ReadAsync()).CheckedTimeline == (await Lab.ReadAsync()).Status!.Postgres!.Timeline,
            () => "the archive of the new timeline is checked",
            TimeSpan.FromSeconds(120)
        );
        var status = await ReadAsync();
        Assert.EndsWith("D", status.LastBackup!.Label, StringComparison.Ordinal);
        Assert.Null(status.MissingSegment);
        Assert.True(status.RecoverableFrom <= first.CompletionTime, "The new timeline continues the archive of the first backup.");
        await AssertOneAtATimeAsync("eu");

        await rehearsed;
        await Lab.PatchAsync("""{ "postgres": { "backup": null } }""");
        await Eventually.HoldsAsync(async () => (await Lab.ReadAsync()).Status!.Backup is null && await HasNoBackupsAsync("eu"), "backups are removed");
    }

    // A backup that waits for a checkpoint stays at work: a new operator takes its Job over, and tells that its pod was killed.
    private async Task KillBackupAsync(MortalOperator operators)
    {
        var checkpointer = await SqlAsync("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'");
        await SignalAsync("STOP");
        await AskAsync("1");
        await Eventually.HoldsAsync(async () => await SqlAsync(WaitingBackup) == "1", "the backup waits");
        await Eventually.HoldsAsync(async () => (await ReadAsync()).Running?.Kind == nameof(BackupKind.Differential), "the new operator tells of the backup");
        var job = (await ReadAsync()).Running!.Job!;
        Assert.Equal(job, Assert.Single(operators.Created, one => one.Kind == BackupKind.Differential).Name);
        await KillPodOfAsync(job);
        await SignalAsync("CONT");
        await UntilFailureIsToldAsync("BackupFailed", job, (status, name) => status.LastRun is { Succeeded: false } last && last.Job == name);

        async Task SignalAsync(string signal) =>
            await Lab.Kubelet.ExecAsync(
                Lab.Namespace,
                (await Lab.ReadAsync()).Status!.Postgres!.Primary!,
                ["sh", "-c", $"kill -{signal} {checkpointer}"],
                Token,
                "postgres"
            );
    }

    // From the bucket to a moment in time, with all that can be in the way; backed up to a volume, and from there to the end.
    private async Task RestoreTwiceAsync(TcpGate gate, MortalOperator operators, string path, DateTimeOffset between)
    {
        // A volume of a former region of that name is in the way at first. The first target is one that the archive does not reach.
        var kept = await CreateClaimAsync("us", 1);
        await CreateClaimAsync(Repository);
        await Lab.Client.CreateAsync(Lab.Region("us", RestorePatchOf("us", RepositoryOf(gate), path, between.AddDays(1))));
        var refused = await Lab.UntilAsync("RestoreSucceeded", "False", "us", "VolumesKept");
        Assert.Contains(kept, refused.Message, StringComparison.Ordinal);
        await Lab.Client.CoreV1.DeleteNamespacedPersistentVolumeClaimAsync(kept, Lab.Namespace, cancellationToken: Token);
        var unreached = await Lab.UntilAsync("RestoreSucceeded", "False", "us", "RestoreFailed");
        Assert.True(unreached.Message.Contains("recovery target", StringComparison.Ordinal), unreached.Message);
        // The operator that took over made no second one; it may have tried again since.
        var first = operators.Created.First(one => one.Kind == BackupKind.Restore).Name;
        Assert.Single(operators.Created, one => one.Name == first);
        var digests = await ReadRestoresAsync();

        // The pod of the next one is killed while it tries to reach the storage. The operator tries again by itself.
        gate.Mode = TcpGateMode.Closed;
        await Lab.PatchAsync($$"""{ "postgres": { "restore": { "targetTime": "{{Text(between)}}" } } }""", "us");
        // Of the other target.
        var killed = "";
        await Eventually.HoldsAsync(
            async () => (killed = (await ReadRestoresAsync()).FirstOrDefault(one => digests.All(other => other.Digest != one.Digest)).Name) is not null,
            "another restore begins"
        );
        await KillPodOfAsync(killed);
        await UntilEventAsync("RestoreFailed", killed);
        gate.Mode = TcpGateMode.Open;
        await Lab.UntilAsync("RestoreSucceeded", "True", "us");
        await Lab.UntilAsync("PostgresReady", "True", "us");
        await Eventually.HoldsAsync(
            async () =>
                (await Lab.Client.CoreV1.ReadNamespacedSecretAsync("us-postgres-restore", Lab.Namespace, cancellationToken: Token)).Data is not { Count: > 0 },
            "the key of the storage is removed from the Secret of the restore"
        );
        Assert.Equal("1", await SqlInAsync("us", "SELECT string_agg(id::text, ',') FROM proof"));
        Assert.Equal("1", await SqlInAsync("us", "SELECT max(epoch) FROM kgs_epochs"));
        await Lab.UntilAsync("LastBackupSucceeded", "True", "us");
        await Lab.UntilAsync("ContinuousArchiving", "True", "us");
        var backup = (await Lab.ReadAsync("us")).Status!.Backup!;
        Assert.StartsWith($"volume://{Repository}/{Lab.Namespace}/us/", backup.Repository, StringComparison.Ordinal);
        await SqlInAsync("us", "INSERT INTO proof VALUES (3)");
        await UntilArchivedAsync("us");

        await Lab.PatchAsync($$"""{ "postgres": { "backup": { "rehearsal": { "schedule": "{{EveryMinute}}" } } } }""", "us");
        var volumePath = backup.Repository![$"volume://{Repository}".Length..];
        await Lab.Client.CreateAsync(Lab.Region("ap", RestorePatchOf("ap", VolumeRepository, volumePath, target: null)));
        await Lab.UntilAsync("RestoreSucceeded", "True", "ap");
        await Lab.UntilAsync("PostgresReady", "True", "ap");
        Assert.Equal("1,3", await SqlInAsync("ap", "SELECT string_agg(id::text, ',' ORDER BY id) FROM proof"));
        Assert.Equal("2", await SqlInAsync("ap", "SELECT max(epoch) FROM kgs_epochs"));
        // Nobody else needs this one: its service account is deleted, and the API server refuses the token of its member. Another pod has a valid one, also while
        // the operator changes nothing else.
        await Lab.PatchAsync("""{ "suspend": "Changes" }""", "ap");
        var alone = Assert.Single(await ReadMembersAsync("ap")).Metadata.Uid;
        await Lab.Client.CoreV1.DeleteNamespacedServiceAccountAsync("ap-postgres", Lab.Namespace, cancellationToken: Token);
        await Lab.UntilAsync("LastRehearsalSucceeded", "True", "us");
        Assert.NotNull((await Lab.ReadAsync("us")).Status!.Backup!.Rehearsal!.LastCommitTime);
        await UntilNoScratchVolumeAsync((await Lab.ReadAsync("us")).Status!.Backup!.Rehearsal!.Job!);

        // Without backups nothing is archived: what comes later begins with a full one, whatever old Jobs tell.
        await Lab.PatchAsync("""{ "postgres": { "backup": null } }""", "us");
        await Eventually.HoldsAsync(async () => await HasNoBackupsAsync("us"), "backups are removed");
        // Added again to a region that runs, together with a parameter that needs a restart. Backups of before go with the first one.
        await Lab.PatchAsync(
            $$"""{ "postgres": { "parameters": { "max_connections": "320" }, "backup": { "keepFull": 1, "schedule": "{{FarAway}}", "repository": {{VolumeRepository}} } } }""",
            "us"
        );
        await Lab.UntilAsync("LastBackupSucceeded", "True", "us");
        await Lab.UntilAsync("PostgresUpToDate", "True", "us");
        Assert.Equal("320", await SqlInAsync("us", "SHOW max_connections"));
        var again = (await Lab.ReadAsync("us")).Status!.Backup!.LastBackup!.Label!;
        Assert.EndsWith("F", again, StringComparison.Ordinal);
        Assert.NotEqual(backup.LastBackup!.Label, again);
        Assert.Equal(again, await ExecAsync("us", "sh", "-c", $"ls /var/lib/pgbackrest{volumePath}/backup/main | grep -E '^[0-9]+-[0-9]+F'"));
        await Eventually.HoldsAsync(async () => (await ReadMembersAsync("ap")) is [{ } one] && one.Metadata.Uid != alone, "the member of ap is replaced");
        await Lab.PatchAsync("""{ "suspend": "None" }""", "ap");
        await Lab.UntilAsync("PostgresReady", "True", "ap");
        await Lab.UntilAsync("PostgresDegraded", "False", "ap");
        await SqlInAsync("ap", "INSERT INTO proof VALUES (4)");
        await ChangeAloneAsync();
    }

    private async Task<IReadOnlyList<(string Name, string? Digest)>> ReadRestoresAsync() =>
        [
            .. (await Lab.Client.BatchV1.ListNamespacedJobAsync(Lab.Namespace, cancellationToken: Token))
                .Items.Where(job => BackupResources.KindOf(job) == BackupKind.Restore)
                .Select(job => (job.Metadata.Name, Labels.AnnotationOf(job.Metadata, BackupResources.DigestAnnotation))),
        ];

    // The only member is changed while numbers are written. Then it gets two synchronous replicas in one edit, one of which becomes the primary, and is alone again.
    private async Task ChangeAloneAsync()
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var writing = WriteNumbersAsync("us", end.Token);
        var before = await ReadOnlyMemberAsync();
        await Lab.PatchAsync($$"""{ "postgres": { "image": "{{StorePrograms.PostgresImage}}-2" } }""", "us");
        await UntilCurrentAsync("PostgresUpToDate", "True");
        await UntilCurrentAsync("PostgresReady", "True");
        var replaced = await ReadOnlyMemberAsync();
        Assert.NotEqual(before.Metadata.Uid, replaced.Metadata.Uid);
        Assert.Equal($"{StorePrograms.PostgresImage}-2", replaced.Spec.Containers[0].Image);
        await Lab.PatchAsync("""{ "postgres": { "parameters": { "shared_buffers": "100MB" } } }""", "us");
        await UntilCurrentAsync("PostgresUpToDate", "True");
        await UntilCurrentAsync("PostgresReady", "True");
        Assert.Equal("100MB", await SqlInAsync("us", "SHOW shared_buffers"));
        Assert.Equal(replaced.Metadata.Uid, (await ReadOnlyMemberAsync()).Metadata.Uid);

        await Lab.PatchAsync("""{ "postgres": { "instances": 3, "durability": "Sync" } }""", "us");
        await UntilServeAsync(3);
        await UntilCurrentAsync("SyncReplicationHealthy", "True");
        await Eventually.HoldsAsync(async () => (await ReadSynchronyAsync()).Contains("us-postgres-2"), "the third member is synchronous");
        await Lab.AnnotateAsync(Labels.Switchover, $"us-postgres-2@{(await Lab.ReadAsync("us")).Status!.Postgres!.Timeline}", "us");
        await Eventually.HoldsAsync(
            async () => (await Lab.ReadAsync("us")).Status!.Postgres is { Primary: "us-postgres-2", Switchover.State: SwitchoverState.Done },
            "the third member is the primary"
        );
        await UntilServeAsync(3);

        await Lab.PatchAsync("""{ "postgres": { "instances": 1, "durability": "Async" } }""", "us");
        await UntilServeAsync(1);
        Assert.Equal("us-postgres-0", (await ReadOnlyMemberAsync()).Metadata.Name);
        await end.CancelAsync();
        var acknowledged = await writing;
        Assert.NotEmpty(acknowledged);
        var found = (await SqlInAsync("us", "SELECT string_agg(id::text, ',') FROM proof")).Split(',').Select(int.Parse).ToHashSet();
        Assert.Empty(acknowledged.Except(found));
        await Lab.UntilAsync("ContinuousArchiving", "True", "us");
    }

    private async Task UntilServeAsync(int members)
    {
        await UntilCurrentAsync("PostgresUpToDate", "True");
        await UntilCurrentAsync("PostgresDegraded", "False");
        await Eventually.HoldsAsync(
            async () =>
                (await Lab.ReadAsync("us")).Status?.Postgres is { Primary: not null, ReadyInstances: { } ready }
                && ready == members
                && (await ReadMembersAsync("us")).Count == members,
            $"{members} members serve"
        );
    }

    // About the specification as it is now.
    private Task UntilCurrentAsync(string type, string status)
    {
        V1Condition? found = null;
        return Eventually.HoldsAsync(
            async () =>
            {
                var region = await Lab.ReadAsync("us");
                found = region.Status?.Conditions?.FirstOrDefault(condition => condition.Type == type);
                return found?.Status == status && found.ObservedGeneration == region.Metadata.Generation;
            },
            () => $"{type} of us is {status}; it is {found?.Status}, {found?.Reason}: {found?.Message}"
        );
    }

    private async Task<IList<V1Pod>> ReadMembersAsync(string region) =>
        (
            await Lab.Client.CoreV1.ListNamespacedPodAsync(
                Lab.Namespace,
                labelSelector: $"{PostgresNames.ScopeLabel}={region}-postgres",
                cancellationToken: Token
            )
        ).Items;

    private async Task<V1Pod> ReadOnlyMemberAsync() => Assert.Single(await ReadMembersAsync("us"));

    private async Task<IReadOnlyList<string>> ReadSynchronyAsync() =>
        PatroniSynchrony.Of(await Lab.Client.CoreV1.ReadNamespacedConfigMapAsync("us-postgres-sync", Lab.Namespace, cancellationToken: Token))!.Standbys;

    // One after the other, and returns those that were acknowledged.
    private async Task<IReadOnlyList<int>> WriteNumbersAsync(string region, CancellationToken end)
    {
        List<int> acknowledged = [];
        for (var number = 1000; !end.IsCancellationRequested; number++)
        {
            if ((await Lab.ReadAsync(region)).Status?.Postgres?.Primary is null)
            {
                await Task.Delay(WriteInterval, Token);
                continue;
            }

            try
            {
                await SqlInAsync(region, string.Create(CultureInfo.InvariantCulture, $"INSERT INTO proof VALUES ({number})"));
                acknowledged.Add(number);
            }
            catch (Exception error) when (error is InvalidOperationException or TimeoutException)
            {
                // The primary ends, or another member is.
            }

            await Task.Delay(WriteInterval, Token);
        }

        return acknowledged;
    }

    private Task UntilArchivingFailsAsync(string words) =>
        Eventually.HoldsAsync(
            async () => (await Lab.UntilAsync("ContinuousArchiving", "False", reason: "ArchivingStalled")).Message.Contains(words, StringComparison.Ordinal),
            $"archiving fails for {words}"
        );

    private async Task UntilArchivedAsync(string region)
    {
        var segment = await SqlInAsync(region, "SELECT pg_walfile_name(pg_switch_wal())");
        await Eventually.HoldsAsync(
            async () => await SqlInAsync(region, $"SELECT coalesce(last_archived_wal >= '{segment}', false) FROM pg_stat_archiver") == "t",
            $"{segment} is archived"
        );
    }

    private Task UntilEventAsync(string reason, string words) => Eventually.HoldsAsync(() => HasEventAsync(reason, words), $"{reason} tells of {words}");

    private async Task<bool> HasEventAsync(string reason, string words) =>
        (await Lab.Client.EventsV1.ListNamespacedEventAsync(Lab.Namespace, cancellationToken: Token)).Items.Any(entry =>
            entry.Reason == reason && entry.Note.Contains(words, StringComparison.Ordinal)
        );

    // By an event, or by the status: an operator that is killed meanwhile, with its first Job of another kind, may have written the status alone.
    private Task UntilFailureIsToldAsync(string reason, string job, Func<BackupStatus, string, bool> isTold) =>
        Eventually.HoldsAsync(async () => isTold(await ReadAsync(), job) || await HasEventAsync(reason, job), $"{reason} tells of {job}");

    private async Task AssertOneAtATimeAsync(string region)
    {
        var jobs = (await Lab.Client.BatchV1.ListNamespacedJobAsync(Lab.Namespace, cancellationToken: Token))
            .Items.Where(job =>
                job.Metadata.Name.StartsWith($"{region}-backup-", StringComparison.Ordinal)
                && BackupResources.KindOf(job) is BackupKind.Full or BackupKind.Differential
            )
            .OrderBy(job => job.Metadata.CreationTimestamp)
            .ToList();
        foreach (var (former, next) in jobs.Zip(jobs.Skip(1)))
            Assert.True(BackupPlan.EndOf(former)?.UtcDateTime <= next.Metadata.CreationTimestamp?.ToUniversalTime(), $"{former.Metadata.Name} had not ended.");
    }

    private async Task KillPodOfAsync(string job) => await Lab.Kubelet.KillPodAsync(Lab.Namespace, (await UntilRunsAsync(job)).Metadata.Name);

    private async Task<V1Pod> UntilRunsAsync(string job)
    {
        V1Pod? pod = null;
        await Eventually.HoldsAsync(
            async () =>
            {
                var pods = await Lab.Client.CoreV1.ListNamespacedPodAsync(Lab.Namespace, labelSelector: $"job-name={job}", cancellationToken: Token);
                pod = pods.Items.FirstOrDefault(one => one.Status.Phase is "Running" or "Failed");
                return pod is not null;
            },
            $"the pod of {job} has started"
        );
        return pod!;
    }

    private async Task<bool> HasNoBackupsAsync(string region) =>
        !(await Lab.Client.BatchV1.ListNamespacedJobAsync(Lab.Namespace, cancellationToken: Token)).Items.Any(job =>
            job.Metadata.Name.StartsWith($"{region}-backup-", StringComparison.Ordinal)
            && job.Metadata.DeletionTimestamp is null
            && BackupResources.KindOf(job) != BackupKind.Restore
        )
        && (await Lab.ReadAsync(region)).Status!.Backup?.Repository is null
        && (await Lab.Client.CoreV1.ReadNamespacedSecretAsync($"{region}-postgres-backup", Lab.Namespace, cancellationToken: Token)).Data is not { Count: > 0 };

    private Task<string> CreateClaimAsync(string region, int ordinal)
    {
        var owner = new V1Alpha1ShortenerRegion
        {
            Metadata = new V1ObjectMeta { Name = region, NamespaceProperty = Lab.Namespace },
            Spec = new RegionSpec { Postgres = new PostgresSpec { Storage = new StorageSpec { Size = new ResourceQuantity("1Gi") } } },
        };
        var claim = PostgresResources.BuildFirstClaim(owner);
        claim.Metadata.Name = PostgresNames.ClaimOf(owner, ordinal);
        return CreateAsync(claim);
    }

    private Task<string> CreateClaimAsync(string name) =>
        CreateAsync(
            new V1PersistentVolumeClaim
            {
                Metadata = new V1ObjectMeta { Name = name },
                Spec = new V1PersistentVolumeClaimSpec
                {
                    AccessModes = ["ReadWriteMany"],
                    Resources = new V1VolumeResourceRequirements { Requests = new Dictionary<string, ResourceQuantity> { ["storage"] = new("1Gi") } },
                },
            }
        );

    private async Task<string> CreateAsync(V1PersistentVolumeClaim claim)
    {
        await Lab.Client.CoreV1.CreateNamespacedPersistentVolumeClaimAsync(claim, Lab.Namespace, cancellationToken: Token);
        return claim.Metadata.Name;
    }

    private static string RepositoryOf(TcpGate gate) =>
        $$"""
            {
              "endpoint": "{{S3Server.Host}}:{{gate.Port.ToString(CultureInfo.InvariantCulture)}}",
              "bucket": "{{S3Server.Bucket}}",
              "secretRef": { "name": "storage" }
            }
            """;

    private static string PatchOf(TcpGate gate) =>
        $$"""
            {
              "connections": null,
              "app": { "minReplicas": 1 },
              "postgres": {
                "image": "{{StorePrograms.PostgresImage}}",
                "instances": 2,
                "durability": "Async",
                "storage": { "size": "1Gi" },
                "resources": { "requests": { "memory": "64Mi" }, "limits": { "memory": "1Gi" } },
                "backup": { "schedule": "{{FarAway}}", "repository": {{RepositoryOf(gate)}} }
              }
            }
            """;

    // Nobody needs its app, which no registry has. Only the one that is restored from the bucket has backups.
    // In its own group: in that of another region, it would copy the database of that one.
    private static string RestorePatchOf(string group, string repository, string path, DateTimeOffset? target)
    {
        var backup = target is null ? "null" : $$"""{ "schedule": "{{FarAway}}", "repository": {{VolumeRepository}} }""";
        var time = target is { } known ? $"\"{Text(known)}\"" : "null";
        return $$"""
            {
              "group": "{{group}}",
              "connections": null,
              "app": { "image": "{{RegionLab.MissingImage}}", "minReplicas": 1 },
              "postgres": {
                "image": "{{StorePrograms.PostgresImage}}",
                "instances": 1,
                "durability": "Async",
                "storage": { "size": "1Gi" },
                "resources": { "requests": { "memory": "64Mi" }, "limits": { "memory": "1Gi" } },
                "backup": {{backup}},
                "restore": { "repository": {{repository}}, "path": "{{path}}", "targetTime": {{time}} }
              }
            }
            """;
    }

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    private Task<V1Secret> WriteSecretAsync(S3Server storage, string key, string passphrase = "a passphrase") =>
        Lab.Client.CoreV1.PatchNamespacedSecretAsync(
            new V1Patch(
                KubernetesJson.Serialize(
                    new V1Secret
                    {
                        ApiVersion = "v1",
                        Kind = "Secret",
                        Metadata = new V1ObjectMeta { Name = "storage" },
                        Data = new Dictionary<string, byte[]>
                        {
                            ["accessKeyId"] = Encoding.UTF8.GetBytes(storage.AccessKey),
                            ["secretAccessKey"] = Encoding.UTF8.GetBytes(key),
                            ["ca.crt"] = Encoding.UTF8.GetBytes(storage.Certificate),
                            ["passphrase"] = Encoding.UTF8.GetBytes(passphrase),
                        },
                    }
                ),
                V1Patch.PatchType.ApplyPatch
            ),
            "storage",
            Lab.Namespace,
            fieldManager: "test",
            force: true,
            cancellationToken: Token
        );

    private Task AskAsync(string value) => Lab.AnnotateAsync(Labels.Backup, value);

    private Task<string> SqlAsync(params string[] statements) => SqlInAsync("eu", statements);

    private Task<string> SqlInAsync(string region, params string[] statements) =>
        ExecAsync(
            region,
            [
                "psql",
                "-X",
                "-q",
                "-A",
                "-t",
                "-h",
                "/run/postgresql",
                "-U",
                "postgres",
                "-d",
                "shortener",
                .. statements.SelectMany(statement => new[] { "-c", statement }),
            ]
        );

    private async Task<string> ExecAsync(string region, params string[] command) =>
        (await Lab.Kubelet.ExecAsync(Lab.Namespace, (await Lab.ReadAsync(region)).Status!.Postgres!.Primary!, command, Token, "postgres")).Trim();

    private async Task<BackupStatus> ReadAsync() => (await Lab.ReadAsync()).Status!.Backup!;
}
