using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Clusters;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Failover;
using UrlShortener.Operator.Postgres;
using UrlShortener.Operator.Tests.Installation;
using UrlShortener.Operator.Tests.Postgres;
using UrlShortener.Operator.Tests.Regions;
using UrlShortener.TestServers;
using UrlShortener.TestServers.Kubernetes;
using UrlShortener.TestServers.Kubernetes.Services;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.Operator.Tests.Failover;

/// <summary>
/// A group of three regions in three clusters, each with an API server, an operator, a node and a member of PostgreSQL. `make region-failovers` runs all kinds,
/// or those that REGION_FAILOVERS_KINDS names, REGION_FAILOVERS times; the suite runs one, and then deletes one of the regions: the API server of its cluster is the
/// witness of the other two. Each member is asked to store a row ten times a second.
/// </summary>
public sealed partial class ClusterFailoverTests(StoresFixture stores) : IAsyncLifetime
{
    private const string WitnessCluster = "management";
    private const string WitnessKind = "witness instead of a region";

    private static readonly string[] All = ["ap", "eu", "us"];

    // Its API server is that of the witness, in the end alone.
    private static readonly string Third = All[^1];

    private static readonly int? Runs = int.TryParse(
        Environment.GetEnvironmentVariable("REGION_FAILOVERS"),
        NumberStyles.None,
        CultureInfo.InvariantCulture,
        out var wanted
    )
        ? wanted
        : null;

    private readonly Dictionary<string, ApiServerFixture> _apiServers = All.ToDictionary(region => region, _ => new ApiServerFixture());
    private readonly Dictionary<string, RegionLab> _labs = [];
    private readonly Dictionary<string, RegionDatabases> _databases = [];
    private readonly Dictionary<string, ServiceProxy> _endpoints = [];
    private RegionSampler _sampler = null!;
    private IReadOnlyList<string> _regions = All;

    // Those with an operator.
    private IEnumerable<RegionLab> Running => _regions.Select(region => _labs[region]);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var databases in _databases.Values)
            databases.Dispose();
        foreach (var endpoint in _endpoints.Values)
            await endpoint.DisposeAsync();
        foreach (var lab in _labs.Values)
            await lab.DisposeAsync();
        foreach (var apiServer in _apiServers.Values)
            await apiServer.DisposeAsync();
    }

    [Fact]
    public async Task Clusters_LostAndCutOff_NeverTwoRegionsWriteAndOneAlwaysDoes()
    {
        (string Name, bool IsInSuite, Func<string, Task> RunAsync)[] kinds =
        [
            ("cluster destroyed", true, DestroyAsync),
            ("API server of a cluster away", false, StopApiServerAsync),
            ("operator of the next region away", false, DestroyWithoutOperatorAsync),
            ("operators killed in the move", false, DestroyWithOperatorsKilledAsync),
            ("region of a cluster drained", false, DrainAsync),
            ("one observer cut off", false, CutObserverAsync),
        ];
        var wanted = kinds.Where(kind => Runs is null ? kind.IsInSuite : IsWanted(kind.Name)).ToList();
        var hasWitness = Runs is null || IsWanted(WitnessKind);
        if (wanted.Count == 0 && !hasWitness)
            return;
        await StartAsync();
        await using var sampler = _sampler = new RegionSampler();
        foreach (var region in All)
            sampler.Add(region, await _databases[region].OpenAsync(region, (await _databases[region].ReadPodsAsync(region)).Single()));
        List<string> writers = [await ReadPrimaryAsync()];
        foreach (var (name, _, runAsync) in wanted)
        {
            for (var run = 0; run < (Runs ?? 1); run++)
            {
                var (from, rows) = (await ReadPrimaryAsync(), sampler.Count);
                await UntilWritesAsync(from);
                try
                {
                    await runAsync(from);
                    await UntilWholeAsync();
                    await UntilWritesAsync(await ReadPrimaryAsync());
                }
                catch (Exception failure)
                {
                    await TellAsync($"{name}: {failure.Message}\n{await DescribeAsync()}");
                    throw;
                }

                if (await ReadPrimaryAsync() is var to && to != from)
                    writers.Add(to);
                // No row of another region in between.
                Assert.Equal(writers, sampler.ReadWriters().Select(writer => writer.Region));
                await TellAsync(
                    string.Create(CultureInfo.InvariantCulture, $"{name}: {sampler.LongestGapSince(rows).TotalSeconds:0.0} s without an acknowledged row")
                );
            }
        }

        if (!hasWitness)
            return;
        try
        {
            await RemoveThirdAsync(writers);
            await LoseWitnessAsync();
            var (from, rows) = (await ReadPrimaryAsync(), _sampler.Count);
            await KillAsync(from);
            await UntilMovedAsync(from);
            writers.Add(_regions.Single(region => region != from));
            Assert.Equal(writers, sampler.ReadWriters().Select(writer => writer.Region));
            await TellAsync(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"cluster of two with a witness destroyed: {sampler.LongestGapSince(rows).TotalSeconds:0.0} s without an acknowledged row"
                )
            );
        }
        catch (Exception failure)
        {
            await TellAsync($"{WitnessKind}: {failure.Message}\n{await DescribeAsync()}");
            throw;
        }
    }

    private static bool IsWanted(string kind) =>
        Environment.GetEnvironmentVariable("REGION_FAILOVERS_KINDS") is not { Length: > 0 } kinds
        || kinds.Split(';', StringSplitOptions.TrimEntries).Contains(kind, StringComparer.OrdinalIgnoreCase);

    private async Task StartAsync()
    {
        var programs = await Availability.OrSkipAsync(StorePrograms.FindAsync(Token));
        var space = KubernetesCluster.NewName("clusters");
        await Task.WhenAll(_apiServers.Values.Select(apiServer => apiServer.GetAsync()));
        foreach (var region in All)
        {
            _labs[region] = await RegionLab.StartAsync(
                _apiServers[region],
                stores,
                hasOperator: false,
                programs: programs,
                patience: 1,
                space: space,
                isPart: _labs.Count > 0
            );
            _databases[region] = new RegionDatabases(_labs[region]);
        }

        foreach (var region in All)
            await PublishAsync($"cluster-{region}", await GrantAsync(region, "remote-operator.yaml", "shortener-remote"));
        await PublishAsync($"cluster-{WitnessCluster}", await GrantAsync(Third, "witness.yaml", "shortener-witness"));

        foreach (var lab in _labs.Values)
        {
            foreach (var (index, region) in All.Index())
                await lab.Client.CreateAsync(lab.Region(region, Patch(region, priority: 60 - index)));
        }

        foreach (var (region, lab) in _labs)
            await lab.StartOperatorAsync(cluster: region);
        foreach (var (region, lab) in _labs)
        {
            await Eventually.HoldsAsync(
                async () =>
                    (await lab.Client.CoreV1.ListNamespacedServiceAsync(space, cancellationToken: Token)).Items.Any(service =>
                        service.Metadata.Name == $"{region}-postgres-rw"
                    ),
                () => $"the Service of the primary of {region} is there"
            );
            _endpoints[region] = await ServiceProxy.StartAsync(lab.Cluster, space, $"{region}-postgres-rw", 5432, Token);
        }

        foreach (var (region, endpoint) in _endpoints)
            await PatchAsync($$"""{ "postgres": { "replicationEndpoint": { "host": "127.0.0.1", "port": {{endpoint.Port}} } } }""", region);
        foreach (var region in All)
            await _labs[region].UntilAsync("Ready", "True", region, seconds: 300);
        await UntilSettledAsync();
        // Three clusters need none.
        await _labs[All[0]].UntilAsync(ConditionTypes.WitnessVotes, "False", All[0], Reasons.WitnessNotUsed);
        await _databases[await ReadPrimaryAsync()].WriteAsync(await ReadPrimaryAsync(), "CREATE TABLE samples (id uuid)");
        await AutomaticAsync(10);
        await UntilWholeAsync();
    }

    private async Task PublishAsync(string name, string kubeconfig)
    {
        foreach (var lab in _labs.Values)
        {
            await lab.Client.CoreV1.CreateNamespacedSecretAsync(
                new V1Secret
                {
                    Metadata = new V1ObjectMeta { Name = name },
                    StringData = new Dictionary<string, string> { ["kubeconfig"] = kubeconfig },
                },
                lab.Namespace,
                cancellationToken: Token
            );
        }
    }

    // With the rights that the sample gives, and no others.
    private async Task<string> GrantAsync(string region, string sample, string account)
    {
        var lab = _labs[region];
        var manifest = (await File.ReadAllTextAsync(Checkout.PathOf($"config/samples/{sample}"), Token))
            .Replace("[eu]", $"[{region}]", StringComparison.Ordinal)
            .Replace("[eu-", $"[{region}-", StringComparison.Ordinal)
            .Replace("namespace: urlshortener", $"namespace: {lab.Namespace}", StringComparison.Ordinal);
        var file = Path.Combine(Path.GetTempPath(), $"{lab.Namespace}-{region}-{sample}");
        await File.WriteAllTextAsync(file, manifest, Token);
        await lab.Cluster.RunKubectlAsync(["apply", "-f", file], Token);
        File.Delete(file);
        var user = await ReadUserAsync(lab, account);
        var guard = await ReadUserAsync(lab, $"{account}-guard");
        var authority = Convert.ToBase64String(Encoding.ASCII.GetBytes(user.AuthorityPem));
        return $$$"""
            current-context: operator
            clusters:
            - name: one
              cluster: { server: "{{{user.Server}}}", certificate-authority-data: "{{{authority}}}" }
            users:
            - name: operator
              user: { token: "{{{user.Token}}}" }
            - name: guard
              user: { token: "{{{guard.Token}}}" }
            contexts:
            - name: operator
              context: { cluster: one, user: operator }
            - name: guard
              context: { cluster: one, user: guard }
            """;
    }

    private static async Task<Kubeconfig> ReadUserAsync(RegionLab lab, string name) =>
        Kubeconfig.Read(await File.ReadAllBytesAsync((await lab.Cluster.GetUserAsync(lab.Namespace, name, Token)).Kubeconfig, Token)).Value!;

    // A region is deleted as docs/clusters.md says, and its operator ends. The witness takes the place of its vote.
    private async Task RemoveThirdAsync(List<string> writers)
    {
        if (await ReadPrimaryAsync() == Third)
        {
            await PatchAsync("""{ "drain": true }""", Third);
            await UntilMovedAsync(Third);
            await UntilWholeAsync();
            writers.Add(await ReadPrimaryAsync());
        }

        await DeleteAsync(_labs[Third]);
        await Eventually.HoldsAsync(
            async () =>
                (await _labs[Third].Client.CoreV1.ListNamespacedConfigMapAsync(_labs[Third].Namespace, cancellationToken: Token)).Items.All(map =>
                    map.Metadata.Name != $"{Third}-topology"
                ),
            () => $"the vote of region {Third} is gone",
            TimeSpan.FromSeconds(120)
        );
        await _labs[Third].Operator.StopAsync();
        _regions = [.. All.Where(region => region != Third)];
        foreach (var lab in Running)
            await DeleteAsync(lab);
        await UntilWitnessedAsync();
        // The members are replaced: they need the kubeconfig of the third cluster no longer. That they are up to date may have been told before.
        foreach (var region in _regions)
        {
            await Eventually.HoldsAsync(
                async () => await _databases[region].ReadPodsAsync(region) is [var pod] && !ClusterAccess.IsMounted(pod, Third) && RemoteMember.IsReady(pod),
                () => $"the member of region {region} was replaced"
            );
        }

        await UntilWholeAsync();
        foreach (var region in _regions)
        {
            _sampler.Add(region, await _databases[region].OpenAsync(region, (await _databases[region].ReadPodsAsync(region)).Single()));
        }

        static Task DeleteAsync(RegionLab lab) =>
            lab.Client.CustomObjects.DeleteNamespacedCustomObjectAsync(
                "urlshortener.dev",
                "v1alpha1",
                lab.Namespace,
                "shortenerregions",
                Third,
                cancellationToken: Token
            );
    }

    // Nothing moves, and the conditions say so.
    private async Task LoseWitnessAsync()
    {
        var (primary, cluster) = (await ReadPrimaryAsync(), await _apiServers[Third].GetAsync());
        var epoch = (await _labs[primary].ReadAsync(primary)).Status!.Failover!.Epoch;
        await cluster.StopApiServerAsync(Token);
        foreach (var region in _regions)
        {
            await _labs[region].UntilAsync(ConditionTypes.WitnessVotes, "False", region, Reasons.ClusterUnreachable);
            await _labs[region].UntilAsync(ConditionTypes.AutomaticFailover, "False", region, Reasons.NoQuorum);
        }

        await UntilWritesAsync(primary);
        await cluster.StartApiServerAsync(Token);
        await UntilWitnessedAsync();
        Assert.Equal((primary, epoch), (await ReadPrimaryAsync(), (await _labs[primary].ReadAsync(primary)).Status!.Failover!.Epoch));
    }

    private async Task UntilWitnessedAsync()
    {
        foreach (var region in _regions)
        {
            await _labs[region].UntilAsync(ConditionTypes.WitnessVotes, "True", region, Reasons.AsExpected, seconds: 300);
            await _labs[region].UntilAsync(ConditionTypes.AutomaticFailover, "True", region, Reasons.AsExpected);
        }
    }

    private async Task DestroyAsync(string from)
    {
        await KillAsync(from);
        await UntilMovedAsync(from);
        await ReviveAsync(from);
    }

    // The operator of the cluster that is to get the role is away: another one acts.
    private async Task DestroyWithoutOperatorAsync(string from)
    {
        var next = All.First(region => region != from);
        var epoch = (await _labs[next].ReadAsync(next)).Status!.Failover!.Epoch;
        await KillAsync(from);
        var third = All.Single(region => region != from && region != next);
        await Eventually.HoldsAsync(
            async () => (await _labs[third].ReadAsync(third)).Status?.Failover?.Epoch > epoch,
            () => "the move has begun",
            TimeSpan.FromSeconds(180)
        );
        await _labs[next].Operator.StopAsync();
        await _labs[next].StartOperatorAsync(cluster: next);
        await UntilMovedAsync(from);
        await ReviveAsync(from);
    }

    // The operators that are left are processes of their own, and are killed (SIGKILL) in the middle of the move, which the next ones end.
    private async Task DestroyWithOperatorsKilledAsync(string from)
    {
        var others = All.Where(region => region != from).ToList();
        var epoch = (await _labs[from].ReadAsync(from)).Status!.Failover!.Epoch;
        var programs = new List<OperatorProgram>();
        try
        {
            foreach (var region in others)
            {
                await _labs[region].Operator.StopAsync();
                programs.Add(await StartProgramAsync(region));
            }

            // They have read everything.
            await UntilWholeAsync();
            await KillAsync(from);
            // This phase ends when somebody has waited for the end of a right to write.
            await Eventually.HoldsAsync(
                async () =>
                {
                    foreach (var region in others)
                    {
                        if ((await _labs[region].ReadAsync(region)).Status?.Failover is not { Phase: FailoverPhase.Fencing } agreed || agreed.Epoch <= epoch)
                            return false;
                    }

                    return true;
                },
                () => "the move has begun",
                TimeSpan.FromSeconds(180)
            );
            Assert.All(programs, program => Assert.True(program.IsRunning, program.ReadLog()));
            await Task.WhenAll(programs.Select(program => program.KillAsync(Token)));
        }
        finally
        {
            foreach (var program in programs)
                await program.DisposeAsync();
        }

        foreach (var region in others)
            await _labs[region].StartOperatorAsync(cluster: region);
        await UntilMovedAsync(from);
        await ReviveAsync(from);
    }

    private Task<OperatorProgram> StartProgramAsync(string region) =>
        OperatorProgram.StartAsync(
            new Dictionary<string, string>
            {
                ["KUBECONFIG"] = _labs[region].Cluster.Kubeconfig,
                ["Operator:Cluster"] = region,
                ["Operator:Namespaces"] = _labs[region].Namespace,
                ["Operator:Port"] = Ports.Take().ToString(CultureInfo.InvariantCulture),
                ["Operator:LeaderElection:Enabled"] = "false",
                ["Operator:Webhooks:Enabled"] = "false",
            },
            Token
        );

    // Nothing moves, and writes go on: most votes are elsewhere.
    private async Task StopApiServerAsync(string from)
    {
        await AutomaticAsync(120);
        var cluster = await _apiServers[from].GetAsync();
        var epoch = (await _labs[from].ReadAsync(from)).Status!.Failover!.Epoch;
        await cluster.StopApiServerAsync(Token);
        // The time for which it is away, longer than a right to write lasts.
        await Task.Delay(TimeSpan.FromSeconds(30), Token);
        await UntilWritesAsync(from);
        await cluster.StartApiServerAsync(Token);
        await UntilWholeAsync();
        Assert.Equal((from, epoch), (await ReadPrimaryAsync(), (await _labs[from].ReadAsync(from)).Status!.Failover!.Epoch));
        await AutomaticAsync(10);
    }

    // Another cluster does not reach that of the primary region, and finds it bad. Nobody else does, and nothing moves.
    private async Task CutObserverAsync(string from)
    {
        var lab = _labs[All.First(region => region != from)];
        var epoch = (await _labs[from].ReadAsync(from)).Status!.Failover!.Epoch;
        var secret = await lab.Client.CoreV1.ReadNamespacedSecretAsync($"cluster-{from}", lab.Namespace, cancellationToken: Token);
        var kubeconfig = secret.Data["kubeconfig"];
        // Nobody listens there.
        secret.Data["kubeconfig"] = Encoding.UTF8.GetBytes(ServerLine().Replace(Encoding.UTF8.GetString(kubeconfig), "server: \"https://127.0.0.1:1\""));
        await lab.Client.CoreV1.ReplaceNamespacedSecretAsync(secret, secret.Metadata.Name, lab.Namespace, cancellationToken: Token);
        await lab.UntilAsync(ConditionTypes.ClusterReachable, "False", from, Reasons.ClusterUnreachable);
        // Longer than three looks and the delay.
        await Task.Delay(TimeSpan.FromSeconds(40), Token);
        await UntilWritesAsync(from);
        secret = await lab.Client.CoreV1.ReadNamespacedSecretAsync($"cluster-{from}", lab.Namespace, cancellationToken: Token);
        secret.Data["kubeconfig"] = kubeconfig;
        await lab.Client.CoreV1.ReplaceNamespacedSecretAsync(secret, secret.Metadata.Name, lab.Namespace, cancellationToken: Token);
        await UntilWholeAsync();
        Assert.Equal((from, epoch), (await ReadPrimaryAsync(), (await _labs[from].ReadAsync(from)).Status!.Failover!.Epoch));
    }

    [GeneratedRegex("server: \"[^\"]*\"")]
    private static partial Regex ServerLine();

    private async Task DrainAsync(string from)
    {
        await PatchAsync("""{ "drain": true }""", from);
        await UntilMovedAsync(from);
        await PatchAsync("""{ "drain": false }""", from);
        var region = await ReadPrimaryAsync();
        await using var source = await _databases[region].OpenAsync(region, (await _databases[region].ReadPodsAsync(region)).Single());
        Assert.Empty(await _sampler.FindLostAsync(source));
    }

    private async Task KillAsync(string region)
    {
        await _labs[region].Kubelet.KillNodeAsync(Token);
        await (await _apiServers[region].GetAsync()).StopApiServerAsync(Token);
        await _labs[region].Operator.StopAsync();
    }

    // With its old votes and disks: it believes that it is the primary.
    private async Task ReviveAsync(string region)
    {
        await (await _apiServers[region].GetAsync()).StartApiServerAsync(Token);
        await _labs[region].Kubelet.NodeReadyAsync(Token);
        await _labs[region].StartOperatorAsync(cluster: region);
    }

    private async Task AutomaticAsync(int delay)
    {
        foreach (var region in All)
        {
            await PatchAsync($$"""{ "failover": { "mode": "Automatic", "delaySeconds": {{delay}}, "cooldownSeconds": 60, "maxMovesPerDay": 24 } }""", region);
        }

        foreach (var region in All)
            await _labs[region].UntilAsync(ConditionTypes.AutomaticFailover, "True", region);
    }

    // As GitOps does.
    private async Task PatchAsync(string patch, string region)
    {
        foreach (var lab in Running)
            await lab.PatchAsync(patch, region);
    }

    private async Task UntilMovedAsync(string from)
    {
        await Eventually.HoldsAsync(
            async () =>
            {
                var other = _regions.First(region => region != from);
                return (await _labs[other].ReadAsync(other)).Status?.Failover is { Phase: FailoverPhase.Stable } agreed && agreed.Region != from;
            },
            () => $"another region than {from} has the role",
            TimeSpan.FromSeconds(240)
        );
        var asked = _regions.First(region => region != from);
        var next = (await _labs[asked].ReadAsync(asked)).Status!.Failover!.Region;
        await UntilWritesAsync(next);
    }

    // All regions know the same, in each cluster, follow the primary one and serve.
    private async Task UntilWholeAsync()
    {
        await UntilSettledAsync();
        var primary = await ReadPrimaryAsync();
        foreach (var region in _regions)
        {
            if (region != primary)
                await _labs[region].UntilAsync("StandbyReplicating", "True", region, Reasons.AsExpected, seconds: 300);
            await _labs[region].UntilAsync("PostgresReady", "True", region, seconds: 300);
            foreach (var other in _regions)
            {
                if (other != region)
                    await _labs[other].UntilAsync(ConditionTypes.ClusterReachable, "True", region);
            }
        }
    }

    private async Task UntilSettledAsync()
    {
        var seen = "";
        await Eventually.HoldsAsync(
            async () =>
            {
                var told = new HashSet<(string?, long?, string?)>();
                foreach (var lab in Running)
                {
                    foreach (var region in _regions)
                    {
                        var status = (await lab.ReadAsync(region)).Status;
                        told.Add((status?.Failover?.Region, status?.Failover?.Epoch, status?.Failover?.Phase));
                        told.Add((status?.Topology?.PrimaryRegion, status?.Topology?.Epoch, FailoverPhase.Stable));
                    }
                }

                seen = string.Join("; ", told);
                return told.Count == 1 && told.Single().Item1 is not null;
            },
            () => $"all clusters know the same: {seen}",
            TimeSpan.FromSeconds(240)
        );
    }

    private async Task<string> ReadPrimaryAsync() =>
        (await Task.WhenAll(_regions.Select(region => _labs[region].ReadAsync(region))))
            .Max(region => (region.Status!.Failover!.Epoch, region.Status.Failover.Region))
            .Region;

    private async Task UntilWritesAsync(string region)
    {
        var before = _sampler.Count;
        await Eventually.HoldsAsync(
            () => Task.FromResult(_sampler.Count > before + 5 && _sampler.Last == region),
            () => $"rows are acknowledged in {region}",
            TimeSpan.FromSeconds(120)
        );
    }

    private async Task<string> DescribeAsync()
    {
        var text = new StringBuilder();
        foreach (var (cluster, lab) in _labs)
        {
            try
            {
                foreach (var region in All)
                {
                    var status = (await lab.ReadAsync(region)).Status;
                    text.AppendLine(
                        CultureInfo.InvariantCulture,
                        $"{cluster}/{region}: {status?.Role}, {status?.Failover}, {status?.Postgres?.Primary ?? status?.Postgres?.StandbyLeader}"
                    );
                    foreach (
                        var one in (status?.Conditions ?? []).Where(one =>
                            one.Type is "AutomaticFailover" or "WitnessVotes" or "StandbyReplicating" or "PostgresReady" or "ClusterReachable"
                        )
                    )
                        text.AppendLine(CultureInfo.InvariantCulture, $"  {one.Type} {one.Status} {one.Message}");
                }

                foreach (var pod in await _databases[cluster].ReadPodsAsync(cluster))
                {
                    text.AppendLine(CultureInfo.InvariantCulture, $"  {pod.Metadata.Name} {Labels.AnnotationOf(pod.Metadata, Labels.WriteGuard)}");
                    foreach (var line in lab.Kubelet.ReadLog(lab.Namespace, pod.Metadata.Name, "postgres").Split('\n').TakeLast(25))
                        text.AppendLine(line);
                }
            }
            catch (Exception error) when (error is HttpRequestException or k8s.Autorest.HttpOperationException or TaskCanceledException)
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"{cluster}: {error.Message}");
            }
        }

        return text.ToString();
    }

    private static string Patch(string region, int priority) =>
        $$"""
            {
              "cluster": { "name": "{{region}}", "kubeconfigSecretRef": { "name": "cluster-{{region}}" } },
              "connections": null,
              "failover": {
                "priority": {{priority}},
                "witness": { "cluster": { "name": "{{WitnessCluster}}", "kubeconfigSecretRef": { "name": "cluster-{{WitnessCluster}}" } } }
              },
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
}
