using System.Diagnostics;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Postgres;
using UrlShortener.Operator.Tests.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>Two regions of a group, each with a PostgreSQL that the operator runs: real Patroni and PostgreSQL in pods of this machine.</summary>
public sealed class StandbyRegionTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    private static readonly string[] Both = ["eu", "us"];

    private const int Stop = 19;

    private RegionDatabases? _databases;

    private RegionDatabases Databases => _databases ??= new RegionDatabases(Lab);

    [Fact]
    public async Task Regions_OfAGroup_CopyFollowAndSwapTheirRolesWithoutARebuild()
    {
        await StartAsync(programs: await Availability.OrSkipAsync(StorePrograms.FindAsync(Token)));
        await Lab.Client.CreateAsync(Lab.Region("eu", Patch(priority: 60)));
        await Lab.Client.CreateAsync(Lab.Region("us", Patch(priority: 50)));

        // The database begins in one of them, and the other one copies it with the app's password.
        await Lab.UntilAsync("Ready", "True", "eu");
        await UntilFollowsAsync("us", "eu");
        await Lab.UntilAsync("Ready", "True", "us");
        var database = (await Lab.ReadAsync("eu")).Status!.Postgres!.SystemIdentifier;
        Assert.Equal(database, (await Lab.ReadAsync("us")).Status!.Postgres!.SystemIdentifier);
        Assert.Equal(await ReadPasswordAsync("eu"), await ReadPasswordAsync("us"));
        await Databases.WriteAsync("eu", "CREATE TABLE marks (mark int PRIMARY KEY)");
        await MarkAsync("eu", "us", 1);
        var began = await ReadBeginningsAsync();

        // There and back.
        var mark = 1;
        foreach (var (from, to) in new[] { ("eu", "us"), ("us", "eu") })
        {
            await PromoteAsync(to);
            await MarkAsync(to, from, ++mark);
            await Eventually.HoldsAsync(
                async () => await ReadSlotsAsync(to) == $"region_{from}" && await ReadSlotsAsync(from) == "",
                () => $"region {to} alone keeps the log for the other one"
            );
            Assert.Null((await Lab.ReadAsync(from)).Status!.Postgres!.Primary);
        }

        // Nobody was copied anew, and nothing that a standby cannot do was tried.
        Assert.Equal(began, await ReadBeginningsAsync());
        var told = await ReadWarningsAsync();
        Assert.DoesNotContain(told, warning => warning.Contains("MemberRebuilt", StringComparison.Ordinal));
        foreach (var warning in told)
            TestContext.Current.TestOutputHelper?.WriteLine(warning);
        await Lab.UntilAsync("Ready", "True", "us");
        await Lab.UntilAsync("Ready", "True", "eu");

        await LoseLeadersAsync();
        await MarkAsync("eu", "us", ++mark);
        await LoseConfigMapsAsync();
        await MarkAsync("eu", "us", ++mark);
        Assert.Equal(began, await ReadBeginningsAsync());
        await ReplacePasswordAsync();
        await LoseSlotAsync();
        // The others copy the new one, the further one is removed, and new members copy one of their own region again.
        await MarkAsync("eu", "us", ++mark);
        await Eventually.HoldsAsync(
            async () =>
                (await Databases.ReadPodsAsync("us")).Count == 2
                && (await Lab.ReadAsync("us")).Status?.Postgres is { ReadyInstances: 2 }
                && !RegionCopy.IsConfigured(await ReadConfigurationAsync("us")),
            () => "region us has two members again"
        );
        await UntilFollowsAsync("us", "eu");
    }

    // The slot is on the new primary too, and the new leader of the copy follows it.
    private async Task LoseLeadersAsync()
    {
        foreach (var region in Both)
        {
            var former = (await Lab.ReadAsync(region)).Status!.Postgres!;
            var (lost, timeline) = (former.Primary ?? former.StandbyLeader, former.Timeline);
            await Lab.Kubelet.KillPodAsync(Lab.Namespace, lost!);
            await Eventually.HoldsAsync(
                async () =>
                    (await Lab.ReadAsync(region)).Status?.Postgres is { } now
                    && (now.Primary ?? now.StandbyLeader) is { } next
                    && (next != lost || now.LastFailover != former.LastFailover || now.Timeline != timeline),
                () => $"another member of {region} leads"
            );
            await UntilFollowsAsync("us", "eu");
        }

        await Eventually.HoldsAsync(async () => await ReadSlotsAsync("eu") == "region_us", () => "the new primary has the slot");
    }

    // Patroni's copy of the configuration among the data is that of the primary region, from which the members were rewound.
    private async Task LoseConfigMapsAsync()
    {
        var pods = await Databases.ReadPodsAsync("us");
        foreach (var pod in pods)
        {
            await Eventually.HoldsAsync(
                async () => await Databases.AskAsync("us", pod, "SELECT pg_read_file('/etc/patroni/patroni.yaml') LIKE '%standby_cluster%'") is true,
                () => $"{pod.Metadata.Name} has the local configuration of a standby region"
            );
        }

        // The operator would correct them.
        await Lab.Operator.StopAsync();
        var history = await ReadHistoryAsync("us", pods[0]);
        foreach (var pod in pods)
            await Lab.Kubelet.SignalProcessesAsync(Lab.Namespace, pod.Metadata.Name, "patroni", Stop);
        foreach (var map in new[] { "leader", "config", "sync", "failsafe" })
        {
            var name = $"us-postgres-{map}";
            if (
                (await Lab.Client.CoreV1.ListNamespacedConfigMapAsync(Lab.Namespace, fieldSelector: $"metadata.name={name}", cancellationToken: Token))
                    .Items
                    .Count > 0
            )
                await Lab.Client.CoreV1.DeleteNamespacedConfigMapAsync(name, Lab.Namespace, cancellationToken: Token);
        }

        foreach (var pod in pods)
            await Lab.Kubelet.KillPodAsync(Lab.Namespace, pod.Metadata.Name);
        foreach (var pod in pods)
        {
            await Eventually.HoldsAsync(
                async () => await Databases.AskAsync("us", pod, "SELECT status FROM pg_stat_wal_receiver") is "streaming",
                () => $"{pod.Metadata.Name} receives changes"
            );
        }

        await Lab.StartOperatorAsync();
        await UntilFollowsAsync("us", "eu");
        // One that had become a primary meanwhile would have begun another.
        foreach (var pod in pods)
            Assert.Equal(history, await ReadHistoryAsync("us", pod));
    }

    private async Task<JsonObject?> ReadConfigurationAsync(string region)
    {
        var map = await Lab.Client.CoreV1.ReadNamespacedConfigMapAsync($"{region}-postgres-config", Lab.Namespace, cancellationToken: Token);
        return new ObservedPostgres { Configuration = map }.DynamicConfiguration;
    }

    private Task<object> ReadHistoryAsync(string region, V1Pod pod) =>
        UntilAnsweredAsync(region, pod, "SELECT coalesce(max(name), '') FROM pg_ls_waldir() WHERE name LIKE '%.history'");

    // The former password ends when the apps of both regions have the new one. That of a standby region knows from the row that nobody of its own writes.
    private async Task ReplacePasswordAsync()
    {
        var former = await ReadPasswordAsync("us");
        await Lab.AnnotateAsync(Labels.RotatePasswords, "1", "eu");
        await Eventually.HoldsAsync(
            async () => (await Lab.ReadAsync("eu")).Status?.Postgres?.PasswordRotation is { State: PasswordRotationState.Done, Request: "1" },
            () => "the rotation is done"
        );
        Assert.Equal("shortener_2", (await Lab.ReadAsync("us")).Status!.Postgres!.AppRole);
        Assert.Equal(await ReadPasswordAsync("eu"), await ReadPasswordAsync("us"));
        Assert.NotEqual(former, await ReadPasswordAsync("us"));
        await Lab.UntilAsync("PostgresPasswordCurrent", "True", "us");
        await Lab.UntilAsync("Ready", "True", "us");
    }

    // A region that cannot reach the primary region for longer than that keeps the log.
    private async Task LoseSlotAsync()
    {
        await Lab.PatchAsync(
            """{ "postgres": { "replicationEndpoint": { "host": "nowhere.example" }, "parameters": { "max_slot_wal_keep_size": "32MB" } } }"""
        );
        var away = await Lab.UntilAsync("StandbyReplicating", "False", "us", Reasons.NotReceiving);
        Assert.Contains("nowhere.example:5432", away.Message, StringComparison.Ordinal);
        await Lab.UntilAsync("PostgresUpToDate", "True", "eu");
        await Eventually.HoldsAsync(
            async () => await Databases.AskPrimaryAsync("eu", "SHOW max_slot_wal_keep_size") is "32MB",
            () => "the primary keeps less of the log"
        );
        for (var part = 0; part < 12; part++)
            await Databases.WriteAsync("eu", "SELECT pg_logical_emit_message(false, 'fill', repeat('x', 12000000))");
        await Databases.WriteAsync("eu", "CHECKPOINT");
        await Lab.UntilAsync("StandbyReplicating", "False", "us", Reasons.SlotLost);
        Assert.Equal([new PostgresStandby { Region = "us", State = StandbyState.Lost }], (await Lab.ReadAsync("eu")).Status!.Postgres!.Standbys!);

        // The way is back, and does not help. A further member copies the primary region, and leads.
        var former = (await Lab.ReadAsync("us")).Status!.Postgres!.StandbyLeader;
        await Lab.PatchAsync("""{ "postgres": { "replicationEndpoint": null } }""");
        await Eventually.HoldsAsync(
            async () => (await Lab.ReadAsync("us")).Status?.Postgres?.StandbyLeader is { } leader && leader != former,
            () => "another member leads the copy"
        );
        await Lab.UntilAsync("StandbyReplicating", "True", "us", Reasons.AsExpected);
    }

    private static string Patch(int priority) =>
        $$"""
            {
              "connections": null,
              "failover": { "priority": {{priority}} },
              "app": { "minReplicas": 1, "standbyMinReplicas": 1 },
              "postgres": {
                "image": "{{StorePrograms.PostgresImage}}",
                "instances": 2,
                "durability": "Async",
                "storage": { "size": "1Gi", "onDelete": "Delete" },
                "resources": { "requests": { "memory": "64Mi" }, "limits": { "memory": "1Gi" } }
              }
            }
            """;

    private async Task PromoteAsync(string region)
    {
        var other = Both.Single(name => name != region);
        var epoch = (await Lab.ReadAsync(region)).Status!.Topology!.Epoch;
        await Lab.AnnotateAsync(Labels.Promote, $"{region}@{epoch}", region);
        var began = Stopwatch.GetTimestamp();
        await Eventually.HoldsAsync(
            async () => (await Lab.ReadAsync(region)).Status?.Postgres is { Primary: not null },
            () => $"a member of {region} accepts writes"
        );
        TestContext.Current.TestOutputHelper?.WriteLine($"{region} accepts writes after {Stopwatch.GetElapsedTime(began)}");
        await UntilFollowsAsync(other, region);
        TestContext.Current.TestOutputHelper?.WriteLine($"{other} follows after {Stopwatch.GetElapsedTime(began)}");
    }

    private async Task UntilFollowsAsync(string region, string source)
    {
        await Lab.UntilAsync("StandbyReplicating", "True", region, Reasons.AsExpected);
        await Lab.UntilAsync("PostgresReady", "True", region, Reasons.StandbyRegion);
        await Lab.UntilAsync("PostgresDegraded", "False", region);
        await Eventually.HoldsAsync(
            async () => (await Lab.ReadAsync(source)).Status?.Postgres?.Standbys is [{ State: StandbyState.Streaming } only] && only.Region == region,
            () => $"region {source} tells that {region} receives its changes"
        );
    }

    // Writes in one region what is then read in every member of both.
    private async Task MarkAsync(string from, string to, int mark)
    {
        await Databases.WriteAsync(from, $"INSERT INTO marks VALUES ({mark})");
        var began = Stopwatch.GetTimestamp();
        foreach (var region in new[] { to, from })
        {
            foreach (var pod in await Databases.ReadPodsAsync(region))
            {
                await Eventually.HoldsAsync(
                    async () => await Databases.AskAsync(region, pod, "SELECT count(*)::int FROM marks") is int found && found == mark,
                    () => $"{pod.Metadata.Name} has all {mark} marks"
                );
            }

            TestContext.Current.TestOutputHelper?.WriteLine($"mark {mark} of {from} is in {region} after {Stopwatch.GetElapsedTime(began)}");
        }
    }

    private async Task<string> ReadPasswordAsync(string region)
    {
        var secret = await Lab.Client.CoreV1.ReadNamespacedSecretAsync($"{region}-postgres-app", Lab.Namespace, cancellationToken: Token);
        return $"{System.Text.Encoding.ASCII.GetString(secret.Data["username"])} {System.Text.Encoding.ASCII.GetString(secret.Data["password"])}";
    }

    // A copy writes this file anew, and a rewind does not.
    private async Task<IReadOnlyList<string>> ReadBeginningsAsync()
    {
        List<string> found = [];
        foreach (var region in Both)
        {
            foreach (var pod in await Databases.ReadPodsAsync(region))
                found.Add($"{pod.Metadata.Name} {await UntilAnsweredAsync(region, pod, "SELECT modification::text FROM pg_stat_file('PG_VERSION')")}");
        }

        return found;
    }

    // Null: nobody answers, or leads at the moment.
    private async Task<string?> ReadSlotsAsync(string region)
    {
        var status = (await Lab.ReadAsync(region)).Status!.Postgres!;
        return (await Databases.ReadPodsAsync(region)).SingleOrDefault(pod => pod.Metadata.Name == (status.Primary ?? status.StandbyLeader)) is { } pod
            ? (string?)
                await Databases.AskAsync(
                    region,
                    pod,
                    "SELECT coalesce(string_agg(slot_name, ','), '') FROM pg_replication_slots WHERE slot_name LIKE 'region_%'"
                )
            : null;
    }

    // A member may be starting, or be too busy to answer at once.
    private async Task<object> UntilAnsweredAsync(string region, V1Pod pod, string query) =>
        (await Eventually.ReadAsync(() => Databases.AskAsync(region, pod, query), answer => answer is not null, $"{pod.Metadata.Name} answers"))!;

    private async Task<IReadOnlyList<string>> ReadWarningsAsync() =>
        [
            .. (await Lab.Client.CoreV1.ListNamespacedEventAsync(Lab.Namespace, fieldSelector: "type=Warning", cancellationToken: Token))
                .Items.Where(told => told.InvolvedObject.Kind == V1Alpha1ShortenerRegion.KubeKind)
                .Select(told => $"{told.InvolvedObject.Name} {told.Count} {told.Reason}: {told.Message}"),
        ];
}
