using UrlShortener.Chaos.Tests.Histories;
using UrlShortener.Chaos.Tests.Product;
using UrlShortener.Chaos.Tests.Traffic;
using UrlShortener.TestServers.Postgres;
using Xunit;

namespace UrlShortener.Chaos.Tests.Cases;

public sealed class PostgresFailoverTests : ChaosTest
{
    private const int Runs = 3;
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(2);

    [Fact]
    [Trait("Case", "C-02")]
    public async Task PrimaryKilled_ReplicaPromoted_LinksAreCreatedAgainInTwoSecondsAndNothingIsLost()
    {
        var installation = await InstallAsync(new PostgresClusterOptions { Replicas = 2, Synchronous = true }, PatientRedis);
        var postgres = installation.Postgres;
        Pod[] pods = [await installation.StartPodAsync("app1"), await installation.StartPodAsync("app2")];
        var followed = await installation.CreateLinksAsync(20, pods, Token);
        var changing = await installation.CreateLinksAsync(4, pods, Token);
        var history = installation.History;
        var recoveries = new List<TimeSpan>();
        var outages = new List<(TimeSpan From, TimeSpan To)>();
        await using (var load = StartLoad(installation, pods, new LoadOptions { Followed = followed, Changing = changing }))
        {
            for (var run = 0; run < Runs; run++)
            {
                var acknowledged = CountAcknowledged(history);
                await UntilAsync(() => CountAcknowledged(history) > acknowledged + 20, "links are being created");
                var old = await postgres.GetPrimaryAsync(Token);
                var killed = history.Now;
                await old.KillAsync(Token);
                var replicas = await postgres.GetReplicasAsync(Token);
                var next = await postgres.GetMostAdvancedReplicaAsync(Token);
                await next.PromoteAsync(Token);
                var promoted = history.Now;
                // A synchronous primary acknowledges nothing before a replica follows it, whatever the product does.
                await Task.WhenAll(replicas.Where(node => node != next).Select(node => node.FollowAsync(next, Token)));
                var following = history.Now;
                var first = await Eventually.ReadAsync(
                    () => Task.FromResult(FirstOfEachPod(history, following, pods)),
                    found => found.Count == pods.Length,
                    "both pods create links again"
                );
                var recovery = first.Max(create => create.End) - following;
                recoveries.Add(recovery > TimeSpan.Zero ? recovery : TimeSpan.Zero);
                outages.Add((killed, first.Max(create => create.End)));
                Write($"promoted after {Seconds(promoted - killed)}, followed {Seconds(following - promoted)} later, creating {Seconds(recovery)} later");
                await old.RejoinAsync(next, Token);
                await postgres.WaitUntilReplicasCaughtUpAsync(Token);
            }

            await load.StopAsync();
        }

        await ReportAsync(
            "C-02",
            $"C-02: {Runs} primaries killed; from the new primary having a replica until all pods created links again:",
            string.Join(", ", recoveries.Select(Seconds))
        );
        AssertAllAnswered("redirects of cached links", history.Find(OperationKind.Follow, TimeSpan.Zero, TimeSpan.MaxValue));
        // A recovery is a few requests and connections, which take longer on a busy machine.
        var bound = Bound + (20 * history.MachineDelay(TimeSpan.Zero, followed));
        Assert.All(recoveries, recovery => Assert.True(recovery < bound, $"Creates came back {recovery.TotalSeconds:0.00} s after the promotion."));
        await installation.VerifyAsync(pods[1], StaleBound, outages, Token);
    }

    private static string Seconds(TimeSpan time) => $"{time.TotalSeconds:0.00} s";

    private static IEnumerable<Operation> Acknowledged(History history) =>
        history.Operations.Where(operation => operation is { Kind: OperationKind.Create, IsAcknowledged: true });

    private static int CountAcknowledged(History history) => Acknowledged(history).Count();

    private static List<Operation> FirstOfEachPod(History history, TimeSpan from, IEnumerable<Pod> pods)
    {
        var creates = Acknowledged(history).Where(create => create.End >= from).ToList();
        return [.. pods.Select(pod => creates.Where(create => create.Pod == pod.Name).MinBy(create => create.End)).OfType<Operation>()];
    }
}
