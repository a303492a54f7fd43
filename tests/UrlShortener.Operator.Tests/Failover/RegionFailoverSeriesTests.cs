using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Tests.Postgres;
using UrlShortener.Operator.Tests.Regions;
using UrlShortener.TestServers.Kubernetes.Kubelet;
using Xunit;

namespace UrlShortener.Operator.Tests.Failover;

/// <summary>
/// How long no region acknowledges a write when the primary role moves: three regions, each on a node of its own with a real Patroni, PostgreSQL, write guard and
/// app. `make region-failovers` runs all kinds, or those that REGION_FAILOVERS_KINDS names, REGION_FAILOVERS times and holds the times to their limits, on a machine
/// that does nothing else; the suite runs two. In every run each member is asked to store a row ten times a second, and never may two regions.
/// </summary>
public sealed class RegionFailoverSeriesTests(StoresFixture stores) : IAsyncLifetime
{
    private const int Stop = 19;
    private const int Continue = 18;
    private const string Patroni = "patroni";

    private static readonly string[] All = ["ap", "eu", "us"];

    private static readonly int? Runs = int.TryParse(
        Environment.GetEnvironmentVariable("REGION_FAILOVERS"),
        NumberStyles.None,
        CultureInfo.InvariantCulture,
        out var wanted
    )
        ? wanted
        : null;

    private static readonly TimeSpan Planned = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Lost = TimeSpan.FromSeconds(90);

    // A cluster of its own: its API server is stopped.
    private readonly ApiServerFixture _apiServer = new();
    private readonly Dictionary<string, ProcessKubelet> _nodes = [];
    private RegionLab _lab = null!;
    private RegionDatabases _databases = null!;
    private RegionSampler _sampler = null!;

    // The regions that are to write one after the other: what was asked for, and what the votes say. The sampler, which asks the databases, must find the same.
    private readonly List<string> _expected = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes.Values)
            await node.DisposeAsync();
        _databases?.Dispose();
        if (_lab is not null)
            await _lab.DisposeAsync();
        await _apiServer.DisposeAsync();
    }

    [Fact]
    [Trait("Case", "C-03")]
    [Trait("Case", "C-05")]
    public async Task Role_MovedAndLostAgainAndAgain_NeverTwoRegionsWriteAndOneAlwaysDoesInTime()
    {
        await StartAsync();
        await using var sampler = _sampler = new RegionSampler();
        foreach (var region in All)
            sampler.Add(region, await _databases.OpenAsync(region, (await _databases.ReadPodsAsync(region)).Single()));
        await UntilWritesAsync(await ReadPrimaryAsync());
        _expected.Add(await ReadPrimaryAsync());

        (string Name, bool IsInSuite, TimeSpan Limit, Func<string, Task> MoveAsync)[] kinds =
        [
            ("drained", true, Planned, DrainAsync),
            ("drained, and back by itself", false, Planned, DrainAndReturnAsync),
            ("asked for", false, Planned, AskAsync),
            ("there and back five times", false, Planned, ThereAndBackAsync),
            ("operator away for a part of a planned move", false, Lost, MoveWithoutOperatorAsync),
            ("vote deleted", false, Planned, LoseVoteAsync),
            ("votes restored", false, Planned, RestoreVotesAsync),
            ("processes stopped", false, Lost, StopProcessesAsync),
            ("region destroyed", false, Lost, DestroyAsync),
            ("region destroyed, and the operator in the move", false, Lost, DestroyWithOperatorAsync),
            ("region destroyed together with the operator", false, Lost, DestroyTogetherAsync),
            ("region isolated", true, Lost, IsolateAsync),
            ("region destroyed, and forced", false, TimeSpan.MaxValue, ForceAsync),
            ("API server away", false, TimeSpan.FromSeconds(75), StopApiServerAsync),
            ("primary region flaps", false, TimeSpan.MaxValue, FlapAsync),
            ("all regions bad", false, Planned, LetAllBeBadAsync),
        ];
        var notCut = await _nodes.Values.First().FindObstacleToCutAsync(Token);
        var results = new List<(string Name, TimeSpan Limit, List<TimeSpan> Times)>();
        foreach (var (name, isInSuite, limit, moveAsync) in kinds)
        {
            if ((Runs is null ? !isInSuite : !IsWanted(name)) || (moveAsync == IsolateAsync && notCut is not null))
                continue;
            var times = new List<TimeSpan>();
            for (var run = 0; run < (Runs ?? 1); run++)
                times.Add(await MeasureAsync(name, moveAsync));
            results.Add((name, limit, times));
            await TellAsync($"{name}: {Text(times)}");
        }

        // In the suite, other tests have the processors too.
        if (Runs is not null)
            Assert.All(results, one => Assert.All(one.Times, time => Assert.True(time < one.Limit, $"{one.Name}: {Text(one.Times)}")));
        Assert.SkipWhen(notCut is not null, $"All but a region that is cut off: {notCut}.");
    }

    private static bool IsWanted(string kind) =>
        Environment.GetEnvironmentVariable("REGION_FAILOVERS_KINDS") is not { Length: > 0 } kinds
        || kinds.Split(';', StringSplitOptions.TrimEntries).Contains(kind, StringComparer.OrdinalIgnoreCase);

    private async Task StartAsync()
    {
        var programs = await Availability.OrSkipAsync(StorePrograms.FindAsync(Token));
        _lab = await RegionLab.StartAsync(
            _apiServer,
            stores,
            programs: programs,
            takes: pod => !All.Any(region => pod.Metadata.Name.StartsWith($"{region}-", StringComparison.Ordinal)),
            patience: 1
        );
        _databases = new RegionDatabases(_lab);
        foreach (var region in All)
            _nodes[region] = await _lab.StartKubeletAsync(pod => pod.Metadata.Name.StartsWith($"{region}-", StringComparison.Ordinal));
        foreach (var (index, region) in All.Index())
            await _lab.Client.CreateAsync(_lab.Region(region, Patch(priority: 60 - index)));
        foreach (var region in All)
            await _lab.UntilAsync("Ready", "True", region);
        await UntilSettledAsync();
        await _databases.WriteAsync(await ReadPrimaryAsync(), "CREATE TABLE samples (id uuid)");
    }

    private async Task<TimeSpan> MeasureAsync(string name, Func<string, Task> moveAsync)
    {
        await UntilWholeAsync();
        var from = await ReadPrimaryAsync();
        await UntilWritesAsync(from);
        var rows = _sampler.Count;
        try
        {
            await moveAsync(from);
            await UntilWholeAsync();
            await UntilWritesAsync(await ReadPrimaryAsync());
        }
        catch (Exception failure)
        {
            await TellAsync($"{name}: {failure.Message}\n{await DescribeAsync()}");
            throw;
        }

        var lost = await FindLostAsync();
        // A region that is lost takes with it what it had not sent.
        await TellAsync(
            $"{name}: {lost.Count} rows lost{string.Concat(lost.Select(row => $" {row.Region} {row.BeforeLast.TotalMilliseconds:0} ms before its last;"))}"
        );
        // No row of another region in between.
        Assert.Equal(_expected, _sampler.ReadWriters().Select(writer => writer.Region));
        return _sampler.LongestGapSince(rows);
    }

    private async Task DrainAsync(string from)
    {
        await _lab.PatchAsync("""{ "drain": true }""", from);
        await UntilMovedAsync(from);
        await _lab.PatchAsync("""{ "drain": false }""", from);
        Assert.Empty(await FindLostAsync());
    }

    // After the least time for which the region must be healthy.
    private async Task DrainAndReturnAsync(string from)
    {
        foreach (var region in All)
            await _lab.PatchAsync("""{ "failover": { "failback": { "mode": "Automatic", "stableSeconds": 60 } } }""", region);
        await DrainAsync(from);
        var other = await ReadPrimaryAsync();
        await UntilMovedAsync(other, from);
        foreach (var region in All)
            await _lab.PatchAsync("""{ "failover": { "failback": { "mode": "Manual" } } }""", region);
        Assert.Empty(await FindLostAsync());
    }

    private async Task AskAsync(string from)
    {
        var next = All.First(region => region != from);
        await PromoteAsync(next);
        await UntilMovedAsync(from, next);
        Assert.Empty(await FindLostAsync());
    }

    private async Task ThereAndBackAsync(string from)
    {
        var other = All.First(region => region != from);
        for (var time = 0; time < 5; time++)
        {
            foreach (var (former, next) in new[] { (from, other), (other, from) })
            {
                await PromoteAsync(next);
                await UntilMovedAsync(former, next);
                await UntilWholeAsync();
                await UntilWritesAsync(next);
            }
        }

        Assert.Empty(await FindLostAsync());
    }

    // A move does not end without an operator, and goes on with the next one.
    private async Task MoveWithoutOperatorAsync(string from)
    {
        await _lab.PatchAsync("""{ "drain": true }""", from);
        await Eventually.HoldsAsync(
            async () => (await _lab.ReadAsync(from)).Status?.Failover is { } agreed && (agreed.Phase != FailoverPhase.Stable || agreed.Region != from),
            () => "the move has begun"
        );
        await _lab.Operator.StopAsync();
        await _lab.StartOperatorAsync();
        await UntilMovedAsync(from);
        await _lab.PatchAsync("""{ "drain": false }""", from);
        Assert.Empty(await FindLostAsync());
    }

    private async Task LoseVoteAsync(string from)
    {
        await _lab.Client.CoreV1.DeleteNamespacedConfigMapAsync($"{from}-topology", _lab.Namespace, cancellationToken: Token);
        await DrainAsync(from);
        await Eventually.HoldsAsync(
            async () =>
                (await _lab.Client.CoreV1.ReadNamespacedConfigMapAsync($"{from}-topology", _lab.Namespace, cancellationToken: Token)).Data?.ContainsKey("voter")
                == true,
            () => "the vote is there again"
        );
    }

    // As after a restore of etcd: the votes are those of an earlier epoch, in which another region had the role.
    private async Task RestoreVotesAsync(string from)
    {
        var votes = await Task.WhenAll(All.Select(ReadVoteAsync));
        var next = All.First(region => region != from);
        await PromoteAsync(next);
        await UntilMovedAsync(from, next);
        await UntilWholeAsync();
        var epoch = (await _lab.ReadAsync(next)).Status!.Failover!.Epoch;
        foreach (var (region, vote) in All.Zip(votes))
            await _lab.Client.CoreV1.PatchNamespacedConfigMapAsync(
                new V1Patch(new JsonObject { ["data"] = new JsonObject { ["voter"] = vote } }.ToJsonString(), V1Patch.PatchType.MergePatch),
                $"{region}-topology",
                _lab.Namespace,
                cancellationToken: Token
            );
        await Eventually.HoldsAsync(
            async () =>
                (await _lab.ReadAsync(next)).Status?.Failover is { Phase: FailoverPhase.Stable } agreed && agreed.Epoch > epoch && agreed.Region == next,
            () => $"region {next} has the role in an epoch above {epoch}"
        );
        // What else the votes give the right to: they are obeyed again.
        await PromoteAsync(from);
        await UntilMovedAsync(next, from);
        Assert.Empty(await FindLostAsync());
    }

    // The last one may not have accepted the first record yet.
    private async Task<string> ReadVoteAsync(string region)
    {
        string? vote = null;
        await Eventually.HoldsAsync(
            async () =>
                (await _lab.Client.CoreV1.ReadNamespacedConfigMapAsync($"{region}-topology", _lab.Namespace, cancellationToken: Token)).Data?.TryGetValue(
                    "voter",
                    out vote
                ) == true,
            () => $"region {region} has voted"
        );
        return vote!;
    }

    // As in a site that loses its power for a while and remembers everything.
    private async Task StopProcessesAsync(string from)
    {
        await AutomaticAsync();
        var pod = (await _databases.ReadPodsAsync(from)).Single().Metadata.Name;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var stopped = StopAgainAndAgainAsync(from, pod, end.Token);
        await UntilMovedAsync(from);
        await end.CancelAsync();
        await stopped;
        await SignalAsync(from, pod, Continue);
        await ManualAsync();
    }

    // Also what the kubelet starts anew because it does not answer.
    private async Task StopAgainAndAgainAsync(string region, string pod, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await SignalAsync(region, pod, Stop);
            await Task.Delay(TimeSpan.FromMilliseconds(500), cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task SignalAsync(string region, string pod, int signal)
    {
        foreach (var process in new[] { Patroni, "postgres", "shortener-guard" })
        {
            try
            {
                await _nodes[region].SignalProcessesAsync(_lab.Namespace, pod, process, signal);
            }
            catch (InvalidOperationException)
            {
                // Its container was ended because it did not answer, or has not come so far.
            }
        }
    }

    private async Task DestroyAsync(string from)
    {
        await AutomaticAsync();
        await _nodes[from].KillNodeAsync(Token);
        await UntilMovedAsync(from);
        // It comes back with its old disks, and believes that it is the primary.
        await _nodes[from].NodeReadyAsync(Token);
        await ManualAsync();
    }

    private async Task DestroyWithOperatorAsync(string from)
    {
        await AutomaticAsync();
        await _nodes[from].KillNodeAsync(Token);
        await Eventually.HoldsAsync(
            async () => (await _lab.ReadAsync(from)).Status?.Failover?.Phase == FailoverPhase.Fencing,
            () => "the move has begun",
            TimeSpan.FromSeconds(90)
        );
        await _lab.Operator.StopAsync();
        await _lab.StartOperatorAsync();
        await UntilMovedAsync(from);
        await _nodes[from].NodeReadyAsync(Token);
        await ManualAsync();
    }

    // The next operator has never seen the region alive.
    private async Task DestroyTogetherAsync(string from)
    {
        await AutomaticAsync();
        await _lab.Operator.StopAsync();
        await _nodes[from].KillNodeAsync(Token);
        await _lab.StartOperatorAsync();
        await UntilMovedAsync(from);
        await _nodes[from].NodeReadyAsync(Token);
        await ManualAsync();
    }

    // The former primary lives on, alone, and is asked to store rows from within. Nobody can tell it to stop.
    private async Task IsolateAsync(string from)
    {
        await AutomaticAsync();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Token);
        await _nodes[from].CutNodeAsync(Token);
        var pod = (await _databases.ReadPodsAsync(from)).Single().Metadata.Name;
        var within = _sampler.SampleWithinAsync(from, _nodes[from], _lab.Namespace, pod, end.Token);
        // Of each time another one: the last one was imported.
        var name = $"alone{_sampler.Count}";
        await ChangeAloneAsync(from, pod, name);
        await UntilMovedAsync(from);
        await UntilWritesAsync(await ReadPrimaryAsync());
        await end.CancelAsync();
        await within;
        await _nodes[from].NodeReadyAsync(Token);
        await UntilWholeAsync();
        await BringBackAsync(from, pod, name);
        await ManualAsync();
    }

    // A user and a link that nobody else gets, and a table which calls a function of the app's when it is read.
    private async Task ChangeAloneAsync(string region, string pod, string name) =>
        await _nodes[region]
            .ExecAsync(
                _lab.Namespace,
                pod,
                [
                    "psql",
                    "-h",
                    "/run/postgresql",
                    "-U",
                    "postgres",
                    "-v",
                    "ON_ERROR_STOP=1",
                    "-qAtc",
                    $"""
                    WITH u AS (INSERT INTO users (email, api_key) VALUES ('{name}@example.com', '{name}') RETURNING id),
                    k AS (INSERT INTO kgs_keys (short_code, is_used, used_at, batch_id) VALUES ('{name}', true, now(), 0))
                    INSERT INTO urls (short_code, original_url, user_id, created_at) SELECT '{name}', 'https://example.com/alone', id, now() FROM u;
                    SET ROLE shortener;
                    CREATE TYPE kind_of_{name} AS ENUM ('odd');
                    CREATE FUNCTION tell_{name}(kind_of_{name}) RETURNS json LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''called by %'', session_user; END';
                    CREATE CAST (kind_of_{name} AS json) WITH FUNCTION tell_{name}(kind_of_{name});
                    CREATE TABLE of_{name} (kind kind_of_{name});
                    INSERT INTO of_{name} VALUES ('odd')
                    """,
                    "shortener",
                ],
                Token
            );

    // What only the former primary region had is in a file, and nothing else; a person brings it into the database of now.
    private async Task BringBackAsync(string region, string pod, string name)
    {
        var lost = (await FindLostAsync()).Select(row => row.Id).ToHashSet(StringComparer.Ordinal);
        IReadOnlyList<PostgresSavedChanges> saved = [];
        await Eventually.HoldsAsync(
            async () => (saved = (await _lab.ReadAsync(region)).Status?.Postgres?.SavedChanges ?? []).Count > 0,
            () => "the status tells of the saved changes"
        );
        var file = Assert.Single(saved);
        var text = await _nodes[region].ExecAsync(_lab.Namespace, pod, ["shortener-saved", "show", file.File], Token);
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var entries = lines.Skip(1).SkipLast(1).Select(line => JsonNode.Parse(line)!).ToList();
        Assert.Equal(entries.Count, (int?)JsonNode.Parse(lines[^1])!["end"]);
        Assert.Equal(file.Count, entries.Count);
        var rows = entries.Where(entry => IsOf(entry, "samples")).Select(entry => (string)entry["row"]!["id"]!).ToList();
        Assert.NotEmpty(rows);
        Assert.Empty(lost.Except(rows));
        // It may have stored one that it did not acknowledge, also one that was on its way when it was cut off; but none that nobody asked for.
        Assert.All(rows, row => Assert.True(_sampler.HasAskedFor(row), row));
        Assert.Equal(rows.Count, rows.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(name, (string?)Assert.Single(entries, entry => IsOf(entry, "urls"))["row"]!["short_code"]);
        Assert.Equal($"{name}@example.com", (string?)Assert.Single(entries, entry => IsOf(entry, "users"))["row"]!["email"]);
        Assert.Equal($"of_{name}", (string?)Assert.Single(entries, entry => (string?)entry["op"] == "unread")["table"]);
        await TellAsync($"saved: {rows.Count} rows of {lost.Count} lost ones, {entries.Count} changes in all");
        await Eventually.HoldsAsync(
            async () =>
                (await _lab.Client.EventsV1.ListNamespacedEventAsync(_lab.Namespace, cancellationToken: Token)).Items.Any(entry =>
                    entry.Reason == "DivergedWritesSaved" && entry.Note.Contains(file.File, StringComparison.Ordinal)
                ),
            () => "an event tells of them"
        );
        await Eventually.HoldsAsync(
            async () => await ReadMetricAsync("shortener_postgres_cluster_saved_changes", region) == entries.Count,
            () => "the metric tells of them"
        );

        var primary = await ReadPrimaryAsync();
        var others = entries.Count - 1;
        Assert.Contains($"{others} imported, 0 there already, 1 left out", await ImportAsync(primary, text), StringComparison.Ordinal);
        Assert.Contains($"0 imported, {others} there already, 1 left out", await ImportAsync(primary, text), StringComparison.Ordinal);
        Assert.Empty(await FindLostAsync());
        await _nodes[region].ExecAsync(_lab.Namespace, pod, ["shortener-saved", "remove", file.File], Token);
        Assert.Empty(await _nodes[region].ExecAsync(_lab.Namespace, pod, ["shortener-saved", "list"], Token));
    }

    private async Task<double?> ReadMetricAsync(string name, string region)
    {
        using var page = new MemoryStream();
        await Prometheus.Metrics.DefaultRegistry.CollectAndExportAsTextAsync(page, Token);
        var begin = $"{name}{{object_namespace=\"{_lab.Namespace}\",name=\"{region}\"";
        var line = System.Text.Encoding.UTF8.GetString(page.ToArray()).Split('\n').FirstOrDefault(one => one.StartsWith(begin, StringComparison.Ordinal));
        return line is null ? null : double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
    }

    private static bool IsOf(JsonNode entry, string table) => (string?)entry["table"] == table;

    private async Task<string> ImportAsync(string region, string text) =>
        await _nodes[region]
            .ExecAsync(
                _lab.Namespace,
                (await _databases.ReadPodsAsync(region)).Single().Metadata.Name,
                ["sh", "-c", "printf '%s' \"$1\" | shortener-saved import - 2>&1", "sh", text],
                Token
            );

    // Without guards that end their right, only a person knows that it does not write.
    private async Task ForceAsync(string from)
    {
        var next = All.First(region => region != from);
        var epoch = (await _lab.ReadAsync(from)).Status!.Topology!.Epoch;
        await _nodes[from].KillNodeAsync(Token);
        await PromoteAsync(next);
        await Eventually.HoldsAsync(
            async () =>
                (await _lab.ReadAsync(next)).Status?.Failover is { Phase: FailoverPhase.Fencing, Waits: { } waits }
                && waits.Contains("Only a person", StringComparison.Ordinal),
            () => "the move waits for a person",
            TimeSpan.FromSeconds(90)
        );
        await _lab.AnnotateAsync(Labels.ForcePrimary, $"{next}@{epoch}", next);
        await UntilMovedAsync(from, next);
        await _nodes[from].NodeReadyAsync(Token);
    }

    // Nobody can decide anything, so nobody may write; and nobody moves.
    private async Task StopApiServerAsync(string from)
    {
        await AutomaticAsync();
        var cluster = await _apiServer.GetAsync();
        await cluster.StopApiServerAsync(Token);
        // The time for which it is away.
        await Task.Delay(TimeSpan.FromSeconds(60), Token);
        await cluster.StartApiServerAsync(Token);
        await UntilWritesAsync(from);
        await UntilWholeAsync();
        Assert.Equal(from, await ReadPrimaryAsync());
        await ManualAsync();
    }

    // Everything of the primary region stands still and goes on, again and again. One move may come of it, and no second one: its time to wait has not passed.
    private async Task FlapAsync(string from)
    {
        await AutomaticAsync();
        foreach (var region in All)
            await _lab.PatchAsync("""{ "failover": { "cooldownSeconds": 1800 } }""", region);
        var moves = _sampler.ReadWriters().Count;
        var began = Stopwatch.GetTimestamp();
        var times = 0;
        for (; Stopwatch.GetElapsedTime(began) < TimeSpan.FromMinutes(10); times++)
        {
            await SignalRegionAsync(from, Stop, within: "");
            await Task.Delay(TimeSpan.FromSeconds(1 + (times * 7 % 12)), Token);
            await SignalRegionAsync(from, Continue, within: "");
            await Task.Delay(TimeSpan.FromSeconds(1 + (times * 5 % 12)), Token);
        }

        await UntilWholeAsync();
        moves = _sampler.ReadWriters().Count - moves;
        await TellAsync($"stood still {times} times; the role moved {moves} times");
        Assert.InRange(moves, 0, 1);
        if (await ReadPrimaryAsync() is var to && to != from)
            _expected.Add(to);
        await ManualAsync();
    }

    // No region serves visitors, so that none is better than another. The databases go on.
    private async Task LetAllBeBadAsync(string from)
    {
        await AutomaticAsync();
        var epoch = (await _lab.ReadAsync(from)).Status!.Failover!.Epoch;
        var began = Stopwatch.GetTimestamp();
        // Longer than the looks, delaySeconds and the lease together. The kubelet starts apps anew that do not answer.
        while (Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(90))
        {
            foreach (var region in All)
                await SignalRegionAsync(region, Stop, within: "-app");
            await Task.Delay(TimeSpan.FromMilliseconds(500), Token);
        }

        await TellAsync($"all bad: {await TellConditionAsync(from, ConditionTypes.AutomaticFailover)}");
        foreach (var region in All)
            await SignalRegionAsync(region, Continue, within: "-app");
        foreach (var region in All)
            await _lab.UntilAsync("Ready", "True", region);
        Assert.Equal((from, epoch), (await ReadPrimaryAsync(), (await _lab.ReadAsync(from)).Status!.Failover!.Epoch));
        await ManualAsync();
    }

    private async Task<string> TellConditionAsync(string region, string type) =>
        (await _lab.ReadAsync(region)).Status!.Conditions!.Single(condition => condition.Type == type) is var condition
            ? $"{condition.Status} {condition.Reason}: {condition.Message}"
            : "";

    private async Task SignalRegionAsync(string region, int signal, string within)
    {
        var pods = (await _lab.Client.CoreV1.ListNamespacedPodAsync(_lab.Namespace, cancellationToken: Token)).Items;
        foreach (
            var pod in pods.Select(pod => pod.Metadata.Name)
                .Where(name => name.StartsWith(region + "-", StringComparison.Ordinal) && name.Contains(within, StringComparison.Ordinal))
        )
        {
            if (pod.Contains("-postgres-", StringComparison.Ordinal))
            {
                await SignalAsync(region, pod, signal);
                continue;
            }

            try
            {
                await _nodes[region].KillPodAsync(_lab.Namespace, pod, signal);
            }
            catch (InvalidOperationException)
            {
                // It has just ended, or not begun.
            }
        }
    }

    private async Task AutomaticAsync()
    {
        foreach (var region in All)
            await _lab.PatchAsync("""{ "failover": { "mode": "Automatic", "cooldownSeconds": 60, "maxMovesPerDay": 24 } }""", region);
        foreach (var region in All)
            await _lab.UntilAsync(ConditionTypes.AutomaticFailover, "True", region);
    }

    private async Task ManualAsync()
    {
        foreach (var region in All)
            await _lab.PatchAsync("""{ "failover": { "mode": "Manual" } }""", region);
    }

    private async Task PromoteAsync(string region) =>
        await _lab.AnnotateAsync(Labels.Promote, $"{region}@{(await _lab.ReadAsync(region)).Status!.Topology!.Epoch}", region);

    // To the region that was asked for, or to any other one that the votes give the role to; and it writes.
    private async Task UntilMovedAsync(string from, string? to = null)
    {
        await Eventually.HoldsAsync(
            async () => await ReadAgreedAsync() is { Phase: FailoverPhase.Stable } agreed && agreed.Region != from,
            () => $"another region than {from} has the role",
            TimeSpan.FromSeconds(180)
        );
        var next = await ReadPrimaryAsync();
        Assert.Equal(to ?? next, next);
        _expected.Add(next);
        await UntilWritesAsync(next);
    }

    // All regions know the same, follow the primary one and serve.
    private async Task UntilWholeAsync()
    {
        await UntilSettledAsync();
        var primary = await ReadPrimaryAsync();
        foreach (var region in All)
        {
            if (region != primary)
                await _lab.UntilAsync("StandbyReplicating", "True", region, Reasons.AsExpected, seconds: 300);
            await _lab.UntilAsync("PostgresReady", "True", region);
        }
    }

    private async Task UntilSettledAsync()
    {
        await Eventually.HoldsAsync(
            async () =>
            {
                var told = new HashSet<(string?, long?, string?)>();
                foreach (var region in All)
                {
                    var status = (await _lab.ReadAsync(region)).Status;
                    told.Add((status?.Failover?.Region, status?.Failover?.Epoch, status?.Failover?.Phase));
                    told.Add((status?.Topology?.PrimaryRegion, status?.Topology?.Epoch, FailoverPhase.Stable));
                }

                return told.Count == 1 && told.Single().Item1 is not null;
            },
            () => "all regions know the same"
        );
    }

    private async Task<string> ReadPrimaryAsync() => (await ReadAgreedAsync()).Region;

    // The latest of what the regions tell.
    private async Task<FailoverStatus> ReadAgreedAsync() =>
        (await Task.WhenAll(All.Select(region => _lab.ReadAsync(region)))).Select(region => region.Status!.Failover!).MaxBy(agreed => agreed.Epoch)!;

    private async Task UntilWritesAsync(string region)
    {
        var before = _sampler.Count;
        await Eventually.HoldsAsync(
            () => Task.FromResult(_sampler.Count > before + 5 && _sampler.Last == region),
            () => $"rows are acknowledged in {region}",
            TimeSpan.FromSeconds(90)
        );
    }

    private async Task<IReadOnlyList<(string Id, string Region, TimeSpan BeforeLast)>> FindLostAsync()
    {
        var region = await ReadPrimaryAsync();
        await using var source = await _databases.OpenAsync(region, (await _databases.ReadPodsAsync(region)).Single());
        return await _sampler.FindLostAsync(source);
    }

    private async Task<string> DescribeAsync()
    {
        var lines = new List<string>();
        foreach (var region in All)
        {
            var status = (await _lab.ReadAsync(region)).Status!;
            lines.Add($"{region}: {status.Role}, {status.Failover}, {status.Postgres?.Primary ?? status.Postgres?.StandbyLeader}");
            lines.AddRange(
                (status.Conditions ?? [])
                    .Where(one => one.Type is "AutomaticFailover" or "StandbyReplicating" or "PostgresReady")
                    .Select(one => $"  {one.Type} {one.Status} {one.Message}")
            );
            foreach (var pod in await _databases.ReadPodsAsync(region))
            {
                lines.Add($"  {pod.Metadata.Name} {Labels.AnnotationOf(pod.Metadata, Labels.WriteGuard)}");
                lines.AddRange(
                    _nodes[region]
                        .ReadLog(_lab.Namespace, pod.Metadata.Name, "postgres")
                        .Split('\n')
                        .Where(line => !line.Contains("samples", StringComparison.Ordinal) && !line.Contains("cannot execute INSERT", StringComparison.Ordinal))
                        .TakeLast(40)
                );
            }
        }

        return string.Join('\n', lines);
    }

    private static string Patch(int priority) =>
        $$"""
            {
              "connections": null,
              "failover": { "priority": {{priority}} },
              "app": { "minReplicas": 1, "standbyMinReplicas": 1 },
              "postgres": {
                "image": "{{StorePrograms.PostgresImage}}",
                "instances": 1,
                "durability": "Async",
                "storage": { "size": "1Gi", "onDelete": "Delete" },
                "resources": { "requests": { "memory": "64Mi" }, "limits": { "memory": "1Gi" } }
              }
            }
            """;

    private static async Task TellAsync(string text)
    {
        TestContext.Current.TestOutputHelper?.WriteLine(text);
        if (Environment.GetEnvironmentVariable("REGION_FAILOVERS_FILE") is { } file)
            await File.AppendAllTextAsync(file, text + "\n", Token);
    }

    private static string Text(List<TimeSpan> times) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{times.Count} runs, {times.Min().TotalSeconds:0.00} to {times.Max().TotalSeconds:0.00} s, mean {times.Average(one => one.TotalSeconds):0.00} s"
        );
}
