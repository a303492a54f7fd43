using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.Operator.Failover;
using Xunit;

namespace UrlShortener.Operator.Tests.Failover;

/// <summary>Attempts of several proposers on votes in a real API server.</summary>
public sealed class AgreementServerTests(ApiServerFixture apiServer)
{
    private static readonly Voters All = Voters.Of(["a", "b", "c"]);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Proposers_AtTheSameTime_NoChangeIsLostAndNoneHappensTwice()
    {
        await using var votes = await Votes.StartAsync(apiServer);
        var first = await votes.TryAsync("first", latest => latest ?? Record(0));
        Assert.True(first.IsChosen);

        // Each adds one as often as it succeeds. An attempt that was not finished may have been finished by another one.
        var attempts = await Task.WhenAll(
            Enumerable
                .Range(0, 4)
                .Select(async proposer =>
                {
                    var (ended, begun, highest) = (0, 0, Ballot.Zero);
                    while (ended < 5)
                    {
                        var round = await votes.TryAsync($"p{proposer}", latest => latest! with { Epoch = latest.Epoch + 1 }, highest);
                        highest = round.Highest;
                        begun += round.Proposed is null ? 0 : 1;
                        ended += round.IsChosen ? 1 : 0;
                    }

                    return (ended, begun);
                })
        );

        var last = await votes.TryAsync("last", latest => latest, Ballot.Zero with { Round = 1_000_000 });
        Assert.InRange(last.Proposed!.Epoch, attempts.Sum(attempt => attempt.ended), attempts.Sum(attempt => attempt.begun));
        Assert.Equal(3, (await votes.ReadAsync()).Values.Count(read => read.Record?.Ballot == last.Ballot));
    }

    [Fact]
    public async Task Voters_LostSpoiltAndAway_MostOfTheRestDecide()
    {
        await using var votes = await Votes.StartAsync(apiServer);
        // The first record needs all.
        Assert.False((await votes.TryAsync("first", latest => latest ?? Record(1), without: "c")).IsPrepared);
        var first = await votes.TryAsync("first", latest => latest ?? Record(1), new Ballot(5, "first"));
        Assert.True(first.IsChosen);

        // One that has lost its record does not vote, nor does one whose record nobody understands.
        await votes.SetAsync("a", null);
        var second = await votes.TryAsync("second", latest => latest! with { Epoch = 2 }, new Ballot(10, "x"));
        Assert.True(second.IsChosen);
        Assert.Equal(["b", "c"], second.AcceptedBy);
        Assert.Equal(["a"], second.Missing);
        Assert.Null((await votes.ReadAsync())["a"].Record);
        await votes.SetAsync("b", "{\"promised\":\"1@x\"");
        var third = await votes.TryAsync("third", latest => latest! with { Epoch = 3 }, new Ballot(20, "x"));
        Assert.False(third.IsChosen);
        Assert.Contains("is not understood", (await votes.ReadAsync())["b"].Failure, StringComparison.Ordinal);

        // It is given its record again, and then there are two of three.
        var read = (await votes.ReadAsync())["c"].Record!;
        await votes.ReturnAsync("a", new VoterRecord(read.Ballot, read.Ballot, read.Value));
        var fourth = await votes.TryAsync("fourth", latest => latest! with { Epoch = latest!.Epoch + 1 }, new Ballot(30, "x"));
        Assert.True(fourth.IsChosen);
        Assert.Equal(3, fourth.Proposed!.Epoch);
    }

    private static TopologyRecord Record(long epoch) =>
        new()
        {
            Epoch = epoch,
            Phase = TopologyPhase.Stable,
            Region = "a",
            Voters = All,
        };

    private sealed class Votes(KubernetesClients clients, IKubernetes kubernetes, IAsyncDisposable space, string name) : IAsyncDisposable
    {
        private readonly VoterClient _client = new(new ResourceClient(clients.Requests, new Right()));

        private readonly Dictionary<string, VoterPlace> _places = All.Current.ToDictionary(voter => voter, voter => new VoterPlace(name, $"{voter}-topology"));

        public static async Task<Votes> StartAsync(ApiServerFixture apiServer)
        {
            var cluster = await apiServer.GetAsync();
            var space = await cluster.CreateNamespaceAsync("votes", Token);
            var kubernetes = cluster.CreateClient();
            foreach (var voter in All.Current)
                await kubernetes.CoreV1.CreateNamespacedConfigMapAsync(
                    new V1ConfigMap { Metadata = new V1ObjectMeta { Name = $"{voter}-topology" } },
                    space.Name,
                    cancellationToken: Token
                );
            var clients = KubernetesClients.Create(() => KubernetesClientConfiguration.BuildConfigFromConfigFile(cluster.Kubeconfig));
            return new Votes(clients, kubernetes, space, space.Name);
        }

        public Task<AgreementRound> TryAsync(
            string proposer,
            Func<TopologyRecord?, TopologyRecord?> change,
            Ballot highest = default,
            string? without = null
        ) =>
            new Agreement(_client, proposer, TimeProvider.System).TryAsync(
                _places.Where(place => place.Key != without).ToDictionary(),
                All,
                highest == default ? Ballot.Zero : highest,
                change,
                Token
            );

        public async Task<Dictionary<string, VoterRead>> ReadAsync()
        {
            var reads = new Dictionary<string, VoterRead>();
            foreach (var (voter, place) in _places)
                reads[voter] = await _client.ReadAsync(place, Token);
            return reads;
        }

        public Task ReturnAsync(string voter, VoterRecord record) =>
            new Agreement(_client, "returns", TimeProvider.System).ReturnAsync(_places[voter], record, Token);

        public Task<V1ConfigMap> SetAsync(string voter, string? text) =>
            kubernetes.CoreV1.PatchNamespacedConfigMapAsync(
                new V1Patch(
                    $$"""{ "data": { "voter": {{(text is null ? "null" : System.Text.Json.JsonSerializer.Serialize(text))}} } }""",
                    V1Patch.PatchType.MergePatch
                ),
                _places[voter].Name,
                name,
                cancellationToken: Token
            );

        public async ValueTask DisposeAsync()
        {
            kubernetes.Dispose();
            clients.Dispose();
            await space.DisposeAsync();
        }
    }

    // These proposers need not lead.
    private sealed class Right : IFencing
    {
        public FencingToken RequireToken() => new(TimeProvider.System.GetTimestamp(), TimeSpan.FromHours(1), TimeSpan.FromHours(1), TimeProvider.System);
    }
}
