using System.Diagnostics;
using System.Globalization;
using k8s;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Postgres;
using UrlShortener.Operator.Tests.Installation;
using UrlShortener.Operator.Tests.Regions;
using UrlShortener.TestServers.Kubernetes.Kubelet;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>
/// How long no link is created when the primary is lost or moved, each member on a node of its own. `make postgres-failovers` runs all kinds, or those that
/// POSTGRES_FAILOVERS_KINDS names, POSTGRES_FAILOVERS times and holds the times to their limits, on a machine that does nothing else; the suite runs once what
/// <see cref="PostgresTests"/> does not. In every run, no acknowledged link may be lost, and no former primary may acknowledge a write after its successor has.
/// </summary>
public sealed class PostgresFailoverSeriesTests(StoresFixture stores) : IAsyncLifetime
{
    private const int Stop = 19;

    private static readonly int? Runs = int.TryParse(
        Environment.GetEnvironmentVariable("POSTGRES_FAILOVERS"),
        NumberStyles.None,
        CultureInfo.InvariantCulture,
        out var wanted
    )
        ? wanted
        : null;

    private static readonly string[] Patronictl = ["patronictl", "-c", "/etc/patroni/patroni.yaml"];
    private static readonly TimeSpan Assisted = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Native = TimeSpan.FromSeconds(27);

    // A cluster of its own: its API server is stopped.
    private readonly ApiServerFixture _apiServer = new();
    private readonly Dictionary<string, ProcessKubelet> _nodes = [];
    private readonly Dictionary<string, BoundedVolume> _volumes = [];
    private RegionLab _lab = null!;
    private LinkWriter _writer = null!;
    private WriteSampler _sampler = null!;
    private TimeSpan _pause;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private PostgresMembers Members => new(_lab);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes.Values)
            await node.DisposeAsync();
        if (_lab is not null)
            await _lab.DisposeAsync();
        foreach (var volume in _volumes.Values)
            volume.Dispose();
        await _apiServer.DisposeAsync();
    }

    [Fact]
    public async Task Primary_LostAgainAndAgain_IsSucceededInTimeAndNothingIsLost()
    {
        await StartAsync();
        await _lab.Client.CreateAsync(_lab.Region(patch: PostgresMembers.Patch));
        await Members.UntilWholeAsync();
        await _lab.UntilAsync("Ready", "True");
        using var http = RegionLab.NewHttp(await _lab.OpenServiceAsync());
        await using var writer = _writer = new LinkWriter(http);
        await using var sampler = _sampler = await WriteSampler.StartAsync(_lab, _nodes, await Members.ReadPrimaryAsync());

        (string Name, bool IsInSuite, TimeSpan Limit, Func<string, Task> LoseAsync)[] kinds =
        [
            ("container killed", false, Assisted, KillAsync),
            ("pod deleted", false, Assisted, primary => DeleteAsync(primary, graceSeconds: null)),
            ("pod deleted by force", false, Native, primary => DeleteAsync(primary, graceSeconds: 0)),
            ("Patroni frozen", false, Native, FreezeAsync),
            ("node killed, no operator", true, Native, KillNodeWithoutOperatorAsync),
            ("node cut off", true, Native, CutNodeAsync),
            ("API server away", true, Assisted, StopApiServerAsync),
            ("killed twice", false, Assisted, KillTwiceAsync),
            ("killed again while it rejoins", false, Assisted, KillWhileItRejoinsAsync),
            ("killed three times", false, 3 * Native, KillThreeTimesAsync),
            ("successor lost at its promotion", false, 5 * Native, LoseSuccessorAsync),
            ("successor lost for long", false, 5 * Native, LoseSuccessorForLongAsync),
            ("successor lost for long, no operator", false, 5 * Native, LoseSuccessorWithoutOperatorAsync),
            ("node and leading operator killed", false, Native, KillWithLeadingOperatorAsync),
            ("service account deleted while suspended", false, 2 * Native, DeleteAccountAsync),
            ("planned switchover", false, Assisted, SwitchOverAsync),
            ("control file lost", false, Assisted, primary => LoseFileAsync(primary, "global/pg_control")),
            ("control file of a replica lost", false, Assisted, async primary => await LoseFileAsync(await ReadReplicaAsync(primary), "global/pg_control")),
            ("log of a replica lost", false, Assisted, async primary => await LoseFileAsync(await ReadReplicaAsync(primary), "pg_wal")),
            ("node cut off, and its log lost", false, Native, CutAndLoseLogAsync),
            ("volume of the primary full", false, Native, FillAsync),
            ("all volumes full", false, TimeSpan.MaxValue, _ => FillAllAsync()),
        ];
        var notCut = await _nodes.Values.First().FindObstacleToCutAsync(Token);
        var results = new List<(string Name, TimeSpan Limit, List<TimeSpan> Times)>();
        foreach (var (name, isInSuite, limit, loseAsync) in kinds)
        {
            if (Runs is null ? !isInSuite : !IsWanted(name))
                continue;
            if (loseAsync == CutNodeAsync && notCut is not null)
                continue;
            var times = new List<TimeSpan>();
            for (var run = 0; run < (Runs ?? 1); run++)
                times.Add(await MeasureAsync(loseAsync));
            results.Add((name, limit, times));
            await TellAsync($"{name}: {Text(times)}");
        }

        var acknowledged = await writer.StopAsync();
        await TellAsync($"{acknowledged.Count} links and {sampler.Count} samples acknowledged");
        Assert.Empty(sampler.FindViolations());
        Assert.Empty(await writer.FindLostAsync());
        Assert.Empty(writer.Missed);
        // In the suite, other tests have the processors too.
        Assert.All(
            results,
            one => Assert.All(one.Times, time => Assert.True(time < (Runs is null ? writer.Allow(4 * one.Limit) : one.Limit), $"{one.Name}: {Text(one.Times)}"))
        );
        Assert.SkipWhen(notCut is not null, $"All but a node that is cut off: {notCut}.");
    }

    private static bool IsWanted(string kind) =>
        Environment.GetEnvironmentVariable("POSTGRES_FAILOVERS_KINDS") is not { Length: > 0 } kinds
        || kinds.Split(';', StringSplitOptions.TrimEntries).Contains(kind, StringComparer.OrdinalIgnoreCase);

    private async Task StartAsync()
    {
        var programs = await Availability.OrSkipAsync(StorePrograms.FindAsync(Token));
        var members = Enumerable.Range(0, 3).Select(ordinal => $"eu-postgres-{ordinal}").ToList();
        _lab = await RegionLab.StartAsync(_apiServer, stores, programs: programs, takes: pod => !members.Contains(pod.Metadata.Name), patience: 1);
        foreach (var member in members)
        {
            if (Runs is not null && (IsWanted("volume of the primary full") || IsWanted("all volumes full")))
                _volumes[member] = BoundedVolume.Mount(1024);
            var claims = _volumes.TryGetValue(member, out var volume) ? new ClaimFolders(volume.Folder) : null;
            _nodes[member] = await _lab.StartKubeletAsync(pod => pod.Metadata.Name == member, claims);
        }
    }

    private async Task<TimeSpan> MeasureAsync(Func<string, Task> loseAsync)
    {
        try
        {
            return await MeasureOnceAsync(loseAsync);
        }
        catch (Exception failure)
        {
            await TellAsync(failure.Message);
            // What the members wrote goes with the laboratory.
            foreach (var member in _nodes.Keys)
                await TellAsync($"== {member}\n{string.Join('\n', ReadLog(member).Split('\n').Where(IsOfServer).TakeLast(80))}");
            throw;
        }
    }

    private string ReadLog(string member) => _nodes[member].ReadLog(_lab.Namespace, member, PostgresNames.Container);

    // The samples that a replica refuses are not interesting.
    private static bool IsOfServer(string line) =>
        !line.Contains("read-only transaction", StringComparison.Ordinal) && !line.Contains("samples", StringComparison.Ordinal);

    private async Task<TimeSpan> MeasureOnceAsync(Func<string, Task> loseAsync)
    {
        await Members.UntilWholeAsync();
        var began = Stopwatch.GetTimestamp();
        await loseAsync(await Members.ReadPrimaryAsync());
        await AwaitLinksAsync();
        await Members.UntilWholeAsync();
        var lost = await _sampler.FindLostAsync();
        Assert.True(lost.Count == 0, string.Join('\n', lost));
        TestContext.Current.TestOutputHelper?.WriteLine($"{_writer.LongestGapOfRedirectsSince(began)} without a redirect");
        return _writer.LongestGapSince(began);
    }

    private async Task KillAsync(string primary)
    {
        await Members.KillUntilAnotherLeadsAsync(_nodes[primary], primary);
        await AwaitOtherPrimaryAsync(primary);
    }

    // The second time while its program starts, each time a little later.
    private async Task KillTwiceAsync(string primary)
    {
        await _nodes[primary].KillPodAsync(_lab.Namespace, primary);
        await Task.Delay(_pause += TimeSpan.FromMilliseconds(200), Token);
        await _nodes[primary].KillPodAsync(_lab.Namespace, primary);
        await AwaitOtherPrimaryAsync(primary);
    }

    // The second time while it makes itself a replica, which may be in the middle of a rewind.
    private async Task KillWhileItRejoinsAsync(string primary)
    {
        const string Rewinds = "pg_rewind";
        var before = ReadLog(primary).Split(Rewinds).Length;
        await KillAsync(primary);
        await HoldsAsync(() => Task.FromResult(ReadLog(primary).Split(Rewinds).Length > before), $"{primary} rewinds");
        await _nodes[primary].KillPodAsync(_lab.Namespace, primary);
    }

    private async Task KillNodeWithoutOperatorAsync(string primary)
    {
        await _lab.Operator.StopAsync();
        await _nodes[primary].KillNodeAsync(Token);
        await AwaitOtherPrimaryAsync(primary);
        await AwaitLinksAsync();
        await _nodes[primary].NodeReadyAsync(Token);
        await _lab.StartOperatorAsync();
    }

    private async Task DeleteAsync(string primary, int? graceSeconds)
    {
        var uid = (await Members.ReadPodsAsync()).Single(pod => pod.Metadata.Name == primary).Metadata.Uid;
        await _lab.Client.CoreV1.DeleteNamespacedPodAsync(primary, _lab.Namespace, gracePeriodSeconds: graceSeconds, cancellationToken: Token);
        await Members.UntilSucceededAsync(primary, uid);
    }

    // The liveness probe ends it before the lock expires.
    private async Task FreezeAsync(string primary)
    {
        await _nodes[primary].SignalProcessesAsync(_lab.Namespace, primary, "patroni", Stop);
        await AwaitOtherPrimaryAsync(primary);
    }

    // The old primary lives on, alone, and is asked to store rows from within.
    private async Task CutNodeAsync(string primary)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Token);
        await _nodes[primary].CutNodeAsync(Token);
        var within = _sampler.SampleWithinAsync(primary, end.Token);
        await AwaitOtherPrimaryAsync(primary);
        await AwaitLinksAsync();
        await end.CancelAsync();
        await within;
        await _nodes[primary].NodeReadyAsync(Token);
    }

    // The primary goes on as long as it reaches all members.
    private async Task StopApiServerAsync(string primary)
    {
        var cluster = await _apiServer.GetAsync();
        var processes = await Members.ReadProcessesAsync();
        await cluster.StopApiServerAsync(Token);
        // The time for which it is away.
        await Task.Delay(TimeSpan.FromSeconds(Runs is null ? 25 : 60), Token);
        // Longer than a lock lives: without the members, the primary would have given up.
        await AwaitLinksAsync();
        await cluster.StartApiServerAsync(Token);
        await Members.UntilWholeAsync();
        Assert.Equal(processes, await Members.ReadProcessesAsync());
        Assert.Equal(primary, await Members.ReadPrimaryAsync());
    }

    // Whoever has the lock, also one that is only just promoted. It may get back up before another one is elected.
    private async Task KillThreeTimesAsync(string primary)
    {
        for (var time = 0; time < 3; time++)
        {
            var leader = await Members.ReadLockAsync() ?? primary;
            await _nodes[leader].KillPodAsync(_lab.Namespace, leader);
            await Task.Delay(TimeSpan.FromMilliseconds(700), Token);
        }

        await AwaitOtherPrimaryAsync("nobody");
        // One that died while it was promoted may have given its timeline a number that another one has taken since. It is copied anew.
        await Members.UntilWholeAsync(seconds: 420);
    }

    // The successor dies before Patroni has recorded its timeline, but after it acknowledged writes. The former primary comes back first; its crash recovery adds to
    // its log, so that by position alone it is ahead of the replica that has these writes.
    private async Task LoseSuccessorAsync(string primary)
    {
        var successor = await KillWithSuccessorAsync(primary);
        await _nodes[successor].NodeReadyAsync(Token);
        await AwaitOtherPrimaryAsync("nobody");
        await Members.UntilWholeAsync(seconds: 420);
    }

    // Patroni has not recorded the successor yet, and elects nobody. The operator counts the votes by timelines.
    private async Task LoseSuccessorForLongAsync(string primary)
    {
        var successor = await LoseUnrecordedAsync(primary);
        await AwaitLinksAsync();
        await TellAsync($"{await Members.ReadLockAsync()} leads; the operator has started {await CountEventsAsync("PostgresFailoverStarted")} elections");
        await _nodes[successor].NodeReadyAsync(Token);
        await Members.UntilWholeAsync(seconds: 420);
    }

    // A person lets the replica lead that has the writes, as the runbook of ShortenerPostgresDown says.
    private async Task LoseSuccessorWithoutOperatorAsync(string primary)
    {
        await _lab.Operator.StopAsync();
        var successor = await LoseUnrecordedAsync(primary);
        var replica = _nodes.Keys.Single(member => member != primary && member != successor);
        await TellAsync(await RunAsync(replica, [.. Patronictl, "list"]));
        await TellAsync(await RunAsync(replica, [.. Patronictl, "failover", "eu-postgres", "--candidate", replica, "--force"]));
        await AwaitLinksAsync();
        await _nodes[successor].NodeReadyAsync(Token);
        await _lab.StartOperatorAsync();
        await Members.UntilWholeAsync(seconds: 420);
    }

    // The successor's Patroni stands still as soon as its PostgreSQL is promoted, so that the record of the synchronous replicas stays that of the former primary.
    private async Task<string> LoseUnrecordedAsync(string primary)
    {
        await _nodes[primary].KillNodeAsync(Token);
        var successor = await AwaitPromotionAsync(primary);
        await _nodes[successor].SignalProcessesAsync(_lab.Namespace, successor, "patroni", Stop);
        await TellAsync($"{successor} follows {primary}, and the record is of {await ReadRecordedAsync()}");
        await AwaitLinksAsync();
        await _nodes[successor].KillNodeAsync(Token);
        await _nodes[primary].NodeReadyAsync(Token);
        await AwaitRaceAsync(primary, successor);
        return successor;
    }

    private async Task<string> AwaitPromotionAsync(string primary)
    {
        var others = _nodes.Keys.Where(member => member != primary).ToList();
        var before = others.ToDictionary(member => member, CountPromotions);
        string? successor = null;
        // Quickly: Patroni goes on within a second.
        await Eventually.HoldsAsync(() => (successor = others.Find(member => CountPromotions(member) > before[member])) is not null, "another one is promoted");
        return successor!;

        int CountPromotions(string member) => ReadLog(member).Split("selected new timeline ID").Length;
    }

    private async Task<string?> ReadRecordedAsync() =>
        PatroniSynchrony.Of(await _lab.Client.CoreV1.ReadNamespacedConfigMapAsync("eu-postgres-sync", _lab.Namespace, cancellationToken: Token))!.Leader;

    private async Task<string> KillWithSuccessorAsync(string primary)
    {
        await _nodes[primary].KillNodeAsync(Token);
        await AwaitOtherPrimaryAsync(primary);
        await AwaitLinksAsync();
        var successor = await Members.ReadPrimaryAsync();
        await _nodes[successor].KillNodeAsync(Token);
        await _nodes[primary].NodeReadyAsync(Token);
        await AwaitRaceAsync(primary, successor);
        return successor;
    }

    // Patroni refuses it as well, if it has recorded the successor's timeline in time.
    private Task AwaitRaceAsync(string primary, string successor)
    {
        string[] refusals = ["Not promoted: on timeline", "is behind last known cluster timeline"];
        return HoldsAsync(
            async () =>
                (await Members.ReadLockAsync() is { } holder && holder != successor)
                || refusals.Any(refusal => ReadLog(primary).Contains(refusal, StringComparison.Ordinal)),
            "the former primary races"
        );
    }

    // Of two operators, the other one takes over.
    private async Task KillWithLeadingOperatorAsync(string primary)
    {
        await _lab.Operator.StopAsync();
        await using var first = await StartProgramAsync();
        await HoldsAsync(() => Task.FromResult(first.ReadLog().Contains("is the leader", StringComparison.Ordinal)), "the first operator leads");
        await using var second = await StartProgramAsync();
        await HoldsAsync(() => Task.FromResult(second.ReadLog().Contains("waits; ", StringComparison.Ordinal)), "the second operator waits");
        await Members.UntilWholeAsync();
        var before = await CountEventsAsync("PostgresFailover");
        await _nodes[primary].KillNodeAsync(Token);
        await first.KillAsync(Token);
        await AwaitOtherPrimaryAsync(primary);
        await AwaitLinksAsync();
        await _nodes[primary].NodeReadyAsync(Token);
        await Members.UntilWholeAsync();
        Assert.Equal(before + 1, await CountEventsAsync("PostgresFailover"));
        await second.KillAsync(Token);
        await _lab.StartOperatorAsync();
    }

    private async Task<int> CountEventsAsync(string reason) =>
        (await _lab.Client.CoreV1.ListNamespacedEventAsync(_lab.Namespace, cancellationToken: Token))
            .Items.Where(one => one.Reason == reason)
            .Sum(one => Math.Max(one.Count ?? 1, one.Series?.Count ?? 1));

    private Task<OperatorProgram> StartProgramAsync() =>
        OperatorProgram.StartAsync(
            new Dictionary<string, string>
            {
                ["KUBECONFIG"] = _lab.Cluster.Kubeconfig,
                ["Operator:Namespaces"] = _lab.Namespace,
                ["Operator:Port"] = Ports.Take().ToString(CultureInfo.InvariantCulture),
                ["Logging:LogLevel:UrlShortener"] = "Debug",
                ["Operator:LeaderElection:Namespace"] = _lab.Namespace,
                ["Operator:Webhooks:Enabled"] = "false",
            },
            Token
        );

    // A member that cannot start any more is copied anew, which takes some minutes. Meanwhile the others serve.
    private async Task LoseFileAsync(string member, string path)
    {
        var process = _nodes[member].ReadProcesses(_lab.Namespace, member)[PostgresNames.Container];
        var file = Path.Combine(
            string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/root{PostgresNames.DataFolder}"),
            PostgresNames.DataSubfolder,
            path
        );
        var wasPrimary = member == await Members.ReadPrimaryAsync();
        foreach (var one in Directory.Exists(file) ? Directory.GetFiles(file) : [file])
            File.Delete(one);
        await _nodes[member].KillPodAsync(_lab.Namespace, member);
        if (wasPrimary)
            await AwaitOtherPrimaryAsync(member);
        await HoldsAsync(async () => !(await Members.ReadSyncAsync()).Contains(member), $"nobody counts on {member}");
        var began = Stopwatch.GetTimestamp();
        await Members.UntilWholeAsync(seconds: 420);
        var copies = await CountEventsAsync("MemberRebuilt");
        await TellAsync($"{member} serves again after {Stopwatch.GetElapsedTime(began).TotalSeconds:0} s; the operator has had {copies} copies made");
    }

    // What it wrote alone cannot be read any more, so that it can neither follow nor be rewound.
    private async Task CutAndLoseLogAsync(string primary)
    {
        await _nodes[primary].CutNodeAsync(Token);
        await AwaitOtherPrimaryAsync(primary);
        await AwaitLinksAsync();
        var process = _nodes[primary].ReadProcesses(_lab.Namespace, primary)[PostgresNames.Container];
        var folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/root{PostgresNames.DataFolder}/{PostgresNames.DataSubfolder}/pg_wal");
        foreach (var segment in Directory.GetFiles(folder).Where(file => Path.GetFileName(file).Length == 24).Order(StringComparer.Ordinal).TakeLast(2))
            File.Delete(segment);
        await _nodes[primary].KillPodAsync(_lab.Namespace, primary);
        await _nodes[primary].NodeReadyAsync(Token);
        var began = Stopwatch.GetTimestamp();
        await Members.UntilWholeAsync(seconds: 1_200);
        var copies = await CountEventsAsync("MemberRebuilt");
        await TellAsync($"{primary} serves again after {Stopwatch.GetElapsedTime(began).TotalSeconds:0} s; the operator has had {copies} copies made");
    }

    // PostgreSQL lives on as long as it can write its log, and refuses what needs more room.
    private async Task FillAsync(string primary)
    {
        _volumes[primary].Fill();
        await AwaitOtherPrimaryAsync(primary);
        await AwaitLinksAsync();
        await _lab.UntilAsync("PostgresDegraded", "True", reason: Reasons.VolumeFull);
        _volumes[primary].Free();
    }

    // No member is better than another one. Nobody can write until there is room, and nothing is lost.
    private async Task FillAllAsync()
    {
        foreach (var volume in _volumes.Values)
            volume.Fill();
        var stopped = Stopwatch.GetTimestamp();
        await HoldsAsync(
            () => Task.FromResult(Stopwatch.GetElapsedTime(Math.Max(stopped, _writer.LastAt)) > TimeSpan.FromSeconds(30)),
            "no link is created for half a minute"
        );
        await _lab.UntilAsync("PostgresDegraded", "True", reason: Reasons.VolumeFull);
        foreach (var volume in _volumes.Values)
            volume.Free();
    }

    private async Task<string> ReadReplicaAsync(string primary) =>
        (await Members.ReadPodsAsync()).Select(pod => pod.Metadata.Name).First(name => name != primary);

    // The API server refuses the tokens of all members. The operator changes nothing else meanwhile.
    private async Task DeleteAccountAsync(string primary)
    {
        await _lab.PatchAsync("""{ "suspend": "Changes" }""");
        var before = await Members.ReadProcessesAsync();
        await _lab.Client.CoreV1.DeleteNamespacedServiceAccountAsync("eu-postgres", _lab.Namespace, cancellationToken: Token);
        await HoldsAsync(async () => !(await Members.ReadProcessesAsync()).Intersect(before).Any(), "all members are replaced");
        await AwaitLinksAsync();
        await _lab.PatchAsync("""{ "suspend": "None" }""");
    }

    private async Task SwitchOverAsync(string primary)
    {
        await Members.RequestSwitchoverAsync("any", (await _lab.ReadAsync()).Status!.Postgres!.Timeline!.Value);
        await AwaitOtherPrimaryAsync(primary);
    }

    private Task<string> RunAsync(string member, params string[] command) => _nodes[member].ExecAsync(_lab.Namespace, member, command, Token);

    private Task AwaitOtherPrimaryAsync(string primary) =>
        HoldsAsync(async () => await Members.ReadLockAsync() is { } holder && holder != primary, "another member leads");

    private Task AwaitLinksAsync()
    {
        var since = Stopwatch.GetTimestamp();
        return HoldsAsync(() => Task.FromResult(_writer.LastAt > since), "links are created again");
    }

    private static Task HoldsAsync(Func<Task<bool>> condition, string what) => Eventually.HoldsAsync(condition, () => what, TimeSpan.FromSeconds(90));

    private static async Task TellAsync(string text)
    {
        TestContext.Current.TestOutputHelper?.WriteLine(text);
        if (Environment.GetEnvironmentVariable("POSTGRES_FAILOVERS_FILE") is { } file)
            await File.AppendAllTextAsync(file, text + "\n", Token);
    }

    private static string Text(List<TimeSpan> times) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{times.Count} runs, {times.Min().TotalSeconds:0.00} to {times.Max().TotalSeconds:0.00} s, mean {times.Average(one => one.TotalSeconds):0.00} s"
        );
}
