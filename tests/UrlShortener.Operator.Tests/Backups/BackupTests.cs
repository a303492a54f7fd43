using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Postgres;
using UrlShortener.Operator.Tests.Regions;
using UrlShortener.TestServers.Network;
using UrlShortener.TestServers.S3;
using Xunit;

namespace UrlShortener.Operator.Tests.Backups;

/// <summary>Backups of a PostgreSQL that the operator runs: real Patroni, PostgreSQL and pgBackRest in pods of this machine, and a real storage.</summary>
public sealed class BackupTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    private const string Repository = "repository";

    [Fact]
    public async Task Backup_StorageThatFailsAndComesBack_IsToldAndCaughtUp()
    {
        await StartAsync(programs: await Availability.OrSkipAsync(StorePrograms.FindAsync(Token)));
        await using var storage = await Availability.OrSkipAsync(S3Server.StartAsync(Token));
        await using var gate = new TcpGate(storage.Port);
        await WriteSecretAsync(storage, storage.SecretKey);
        await Lab.Client.CreateAsync(Lab.Region(patch: PatchOf(gate)));

        // The first backup is made as soon as there is a primary, and the archive begins with it.
        await Lab.UntilAsync("LastBackupSucceeded", "True");
        await Lab.UntilAsync("ContinuousArchiving", "True");
        var first = (await ReadAsync()).LastBackup!;
        Assert.EndsWith("F", first.Label, StringComparison.Ordinal);
        Assert.True(first.SizeBytes > 0);
        Assert.NotNull((await ReadAsync()).RecoverableFrom);

        // The tables of the product are there: a first backup may be faster than they are.
        await Lab.UntilAsync("Ready", "True");
        // Two writes, and a region that is restored to a moment between them. The first target is one that the archive does not reach.
        await SqlAsync("CREATE TABLE proof (id int)", "INSERT INTO proof VALUES (1)");
        var between = DateTimeOffset.Parse(await SqlAsync("SELECT clock_timestamp() AT TIME ZONE 'UTC'") + "Z", CultureInfo.InvariantCulture);
        await SqlAsync("INSERT INTO proof VALUES (11)", "SELECT pg_switch_wal()");
        var path = (await ReadAsync()).Repository![$"s3://{S3Server.Bucket}".Length..];
        // A volume of a former region of that name is in the way at first.
        var kept = await CreateClaimAsync("us", 1);
        await CreateClaimAsync(Repository);
        await Lab.Client.CreateAsync(Lab.Region("us", RestorePatchOf(gate, path, between.AddDays(1))));
        var refused = await Lab.UntilAsync("RestoreSucceeded", "False", "us", "VolumesKept");
        Assert.Contains(kept, refused.Message, StringComparison.Ordinal);
        await Lab.Client.CoreV1.DeleteNamespacedPersistentVolumeClaimAsync(kept, Lab.Namespace, cancellationToken: Token);
        var unreached = await Lab.UntilAsync("RestoreSucceeded", "False", "us", "RestoreFailed");
        Assert.True(unreached.Message.Contains("recovery target", StringComparison.Ordinal), unreached.Message);
        await Lab.PatchAsync($$"""{ "postgres": { "restore": { "targetTime": "{{Text(between)}}" } } }""", "us");
        await Lab.UntilAsync("RestoreSucceeded", "True", "us");
        await Lab.UntilAsync("PostgresReady", "True", "us");
        Assert.Equal("1", await SqlInAsync("us", "SELECT string_agg(id::text, ',') FROM proof"));
        Assert.Equal("1", await SqlInAsync("us", "SELECT max(epoch) FROM kgs_epochs"));
        // It is backed up to a volume, and writes nothing to the bucket.
        await Lab.UntilAsync("LastBackupSucceeded", "True", "us");
        await Lab.UntilAsync("ContinuousArchiving", "True", "us");
        Assert.StartsWith($"volume://{Repository}/{Lab.Namespace}/us/", (await Lab.ReadAsync("us")).Status!.Backup!.Repository, StringComparison.Ordinal);
        Assert.All(storage.List(), name => Assert.StartsWith(path[1..], name, StringComparison.Ordinal));
        await Lab.UntilAsync("LastRehearsalSucceeded", "True");
        // The first one may be of a backup after which nothing had been committed yet. There is one each minute.
        await Eventually.HoldsAsync(async () => (await ReadAsync()).Rehearsal?.LastCommitTime is not null, "a rehearsal finds what was committed last");

        // The storage is away: the write-ahead log stays on the primary, and a backup that is asked for fails.
        await Lab.UntilAsync("PostgresDegraded", "False");
        gate.Mode = TcpGateMode.Closed;
        await SqlAsync("INSERT INTO proof VALUES (21)", "SELECT pg_switch_wal()");
        await AskAsync("1");
        await Lab.UntilAsync("LastBackupSucceeded", "False", reason: "BackupFailed");
        await Lab.UntilAsync("ContinuousArchiving", "False", reason: "ArchivingStalled");

        // The primary dies meanwhile with what it could not archive. Its successor archives it.
        var dead = (await Lab.ReadAsync()).Status!.Postgres!.Primary!;
        await Lab.Kubelet.KillPodAsync(Lab.Namespace, dead);
        await Eventually.HoldsAsync(
            async () => (await Lab.ReadAsync()).Status!.Postgres is { Primary: { } primary } && primary != dead,
            () => "another member is the primary",
            TimeSpan.FromSeconds(60)
        );
        gate.Mode = TcpGateMode.Open;
        await SqlAsync("INSERT INTO proof VALUES (2)", "SELECT pg_switch_wal()");
        await Lab.UntilAsync("ContinuousArchiving", "True");
        await Eventually.HoldsAsync(
            async () => (await ReadAsync()).CheckedTimeline == (await Lab.ReadAsync()).Status!.Postgres!.Timeline,
            () => "the archive of the new timeline is checked",
            TimeSpan.FromSeconds(120)
        );
        var status = await ReadAsync();
        Assert.Null(status.MissingSegment);
        Assert.True(status.RecoverableFrom <= first.CompletionTime, "The new timeline continues the archive of the first backup.");

        // The storage refuses the key, until the Secret has the right one again.
        await WriteSecretAsync(storage, "wrong");
        await AskAsync("2");
        // The failure before this one may still be told.
        await Eventually.HoldsAsync(
            async () => (await Lab.UntilAsync("LastBackupSucceeded", "False", reason: "BackupFailed")).Message.Contains("403", StringComparison.Ordinal),
            () => "the refusal is told"
        );
        await WriteSecretAsync(storage, storage.SecretKey);
        await AskAsync("3");
        await Lab.UntilAsync("LastBackupSucceeded", "True");
        Assert.EndsWith("D", (await ReadAsync()).LastBackup!.Label, StringComparison.Ordinal);

        // Without backups nothing is archived: what comes later begins with a full one, whatever old Jobs tell.
        var backup = JsonNode.Parse(PatchOf(gate))!["postgres"]!["backup"]!.ToJsonString();
        await Lab.PatchAsync("""{ "postgres": { "backup": null } }""");
        await Eventually.HoldsAsync(
            async () =>
                (await Lab.ReadAsync()).Status!.Backup is null
                && !(await Lab.Client.BatchV1.ListNamespacedJobAsync(Lab.Namespace, cancellationToken: Token)).Items.Any(job => IsBackup(job, "eu"))
                && (await Lab.Client.CoreV1.ReadNamespacedSecretAsync("eu-postgres-backup", Lab.Namespace, cancellationToken: Token)).Data
                    is not { Count: > 0 },
            () => "the Jobs, the status and the key are gone",
            TimeSpan.FromSeconds(60)
        );
        await Lab.PatchAsync($$"""{ "postgres": { "backup": {{backup}} } }""");
        await Lab.UntilAsync("LastBackupSucceeded", "True");
        Assert.EndsWith("F", (await ReadAsync()).LastBackup!.Label, StringComparison.Ordinal);
        Assert.NotEqual(first.Label, (await ReadAsync()).LastBackup!.Label);
    }

    private static bool IsBackup(V1Job job, string region) =>
        job.Metadata.Name.StartsWith($"{region}-backup-", StringComparison.Ordinal) && job.Metadata.DeletionTimestamp is null;

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

    private static string PatchOf(TcpGate gate) =>
        $$"""
            {
              "connections": null,
              "postgres": {
                "image": "{{StorePrograms.PostgresImage}}",
                "storage": { "size": "1Gi" },
                "resources": { "requests": { "memory": "64Mi" }, "limits": { "memory": "1Gi" } },
                "backup": {
                  "repository": {
                    "endpoint": "{{S3Server.Host}}:{{gate.Port.ToString(CultureInfo.InvariantCulture)}}",
                    "bucket": "{{S3Server.Bucket}}",
                    "secretRef": { "name": "storage" }
                  },
                  "rehearsal": { "schedule": "* * * * *" }
                }
              }
            }
            """;

    private static string RestorePatchOf(TcpGate gate, string path, DateTimeOffset target) =>
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
                "backup": { "repository": { "claimRef": { "name": "{{Repository}}" } } },
                "restore": {
                  "repository": {
                    "endpoint": "{{S3Server.Host}}:{{gate.Port.ToString(CultureInfo.InvariantCulture)}}",
                    "bucket": "{{S3Server.Bucket}}",
                    "secretRef": { "name": "storage" }
                  },
                  "path": "{{path}}",
                  "targetTime": "{{Text(target)}}"
                }
              }
            }
            """;

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    private Task<V1Secret> WriteSecretAsync(S3Server storage, string key) =>
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
                            ["passphrase"] = Encoding.UTF8.GetBytes("a passphrase"),
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

    private Task<object> AskAsync(string value) =>
        Lab.Client.CustomObjects.PatchNamespacedCustomObjectAsync(
            new V1Patch($$"""{ "metadata": { "annotations": { "{{Labels.Backup}}": "{{value}}" } } }""", V1Patch.PatchType.MergePatch),
            ApiGroup.Name,
            ApiGroup.Version,
            Lab.Namespace,
            V1Alpha1ShortenerRegion.KubePlural,
            "eu",
            cancellationToken: Token
        );

    private Task<string> SqlAsync(params string[] statements) => SqlInAsync("eu", statements);

    private async Task<string> SqlInAsync(string region, params string[] statements)
    {
        var primary = (await Lab.ReadAsync(region)).Status!.Postgres!.Primary!;
        string[] command =
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
        ];
        return (await Lab.Kubelet.ExecAsync(Lab.Namespace, primary, command, Token, "postgres")).Trim();
    }

    private async Task<BackupStatus> ReadAsync() => (await Lab.ReadAsync()).Status!.Backup!;
}
