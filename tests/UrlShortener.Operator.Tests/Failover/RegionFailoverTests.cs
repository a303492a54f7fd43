using System.Diagnostics;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Tests.Postgres;
using UrlShortener.Operator.Tests.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.Failover;

/// <summary>
/// The primary role moves between two regions with real Patroni, PostgreSQL, write guards and apps in pods of this machine, while every member is asked to write.
/// </summary>
public sealed class RegionFailoverTests(ApiServerFixture apiServer, StoresFixture stores) : RegionPairTest(apiServer, stores)
{
    private const int Stop = 19;
    private const int Continue = 18;

    private static readonly string[] Both = ["eu", "us"];

    [Fact]
    public async Task Role_DrainedAskedForAndLost_MovesAndNeverTwoRegionsWrite()
    {
        await StartAsync(programs: await Availability.OrSkipAsync(StorePrograms.FindAsync(Token)));
        await Lab.Client.CreateAsync(Lab.Region("eu", Patch(priority: 60)));
        await Lab.Client.CreateAsync(Lab.Region("us", Patch(priority: 50)));
        await Lab.UntilAsync("Ready", "True", "eu");
        await UntilFollowsAsync("us", "eu");
        await Lab.UntilAsync("Ready", "True", "us");

        // As soon as all members have a guard, the regions vote.
        await UntilSettledAsync("eu", 1);
        await Lab.UntilAsync(ConditionTypes.AutomaticFailover, "False", "us", Reasons.ManualMode);
        await WriteAsync("eu", "CREATE TABLE samples (id uuid)");
        await using var sampler = new RegionSampler();
        foreach (var region in Both)
        {
            foreach (var pod in await ReadPodsAsync(region))
                sampler.Add(region, await OpenAsync(region, pod));
        }

        await WritesAsync(sampler, "eu");
        await DrainAsync(sampler);
        await AskAsync(sampler);
        await LoseAsync(sampler);

        Assert.Equal(["eu", "us", "eu", "us"], sampler.ReadWriters().Select(writer => writer.Region));
    }

    // A planned move: nothing that was acknowledged is lost.
    private async Task DrainAsync(RegionSampler sampler)
    {
        await Lab.PatchAsync("""{ "drain": true }""", "eu");
        await UntilSettledAsync("us", 2);
        await WritesAsync(sampler, "us");
        Assert.Empty(await FindLostAsync(sampler, "us"));
        Tell(sampler, "drained");
        await UntilFollowsAsync("eu", "us");
        await Lab.PatchAsync("""{ "drain": false }""", "eu");
    }

    private async Task AskAsync(RegionSampler sampler)
    {
        await Lab.AnnotateAsync(Labels.Promote, "eu@2");
        await UntilSettledAsync("eu", 3);
        await WritesAsync(sampler, "eu");
        Assert.Empty(await FindLostAsync(sampler, "eu"));
        Tell(sampler, "asked for");
        await UntilFollowsAsync("us", "eu");
    }

    // All processes of the region stand still, as after the loss of its site, and go on when another region writes.
    private async Task LoseAsync(RegionSampler sampler)
    {
        foreach (var region in Both)
            await Lab.PatchAsync("""{ "failover": { "mode": "Automatic", "dataLossPolicy": "Allow" } }""", region);
        await Lab.UntilAsync(ConditionTypes.AutomaticFailover, "True", "eu");
        await Lab.UntilAsync(ConditionTypes.AutomaticFailover, "True", "us");
        var pods = await ReadPodsAsync("eu");
        var began = Stopwatch.GetTimestamp();
        await SignalAsync(pods, Stop);
        await UntilSettledAsync("us", 4);
        await WritesAsync(sampler, "us");
        TestContext.Current.TestOutputHelper?.WriteLine($"us writes {Stopwatch.GetElapsedTime(began)} after the loss of eu");
        Tell(sampler, "lost");

        // It comes back with its old disks, believes to be the primary, and does not write.
        await SignalAsync(pods, Continue);
        await UntilFollowsAsync("eu", "us");
        await Lab.UntilAsync("Ready", "True", "eu");
        await Lab.UntilAsync("Ready", "True", "us");
        var lost = await FindLostAsync(sampler, "us");
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{lost.Count} acknowledged rows lost with the region: {string.Join(", ", lost.Select(row => $"{row.Region} {row.BeforeLast}"))}"
        );
        Assert.All(lost, row => Assert.Equal("eu", row.Region));
    }

    private async Task SignalAsync(IReadOnlyList<V1Pod> pods, int signal)
    {
        foreach (var pod in pods)
        {
            foreach (var process in new[] { "patroni", "postgres", "shortener-guard" })
                await Lab.Kubelet.SignalProcessesAsync(Lab.Namespace, pod.Metadata.Name, process, signal);
        }
    }

    private async Task UntilSettledAsync(string region, long epoch)
    {
        foreach (var name in Both)
        {
            await Eventually.HoldsAsync(
                async () =>
                    (await Lab.ReadAsync(name)).Status?.Failover is { Phase: FailoverPhase.Stable } agreed && agreed.Region == region && agreed.Epoch == epoch,
                () => $"region {name} knows that {region} is the primary in epoch {epoch}"
            );
            await Eventually.HoldsAsync(
                async () => (await Lab.ReadAsync(name)).Status is { Topology: { } topology } && topology.PrimaryRegion == region && topology.Epoch == epoch,
                () => $"the status of {name} names {region}"
            );
        }
    }

    private static async Task WritesAsync(RegionSampler sampler, string region)
    {
        var before = sampler.Count;
        await Eventually.HoldsAsync(
            () => Task.FromResult(sampler.Count > before + 5 && sampler.Last is { } last && last.Region == region),
            () => $"rows are acknowledged in {region}"
        );
    }

    private static void Tell(RegionSampler sampler, string what)
    {
        var (region, gap) = sampler.ReadWriters()[^1];
        TestContext.Current.TestOutputHelper?.WriteLine($"{what}: no row was acknowledged for {gap}, until {region} did");
    }

    private async Task<IReadOnlyList<(string Region, TimeSpan BeforeLast)>> FindLostAsync(RegionSampler sampler, string region)
    {
        var primary = (await Lab.ReadAsync(region)).Status!.Postgres!.Primary;
        await using var source = await OpenAsync(region, (await ReadPodsAsync(region)).Single(pod => pod.Metadata.Name == primary));
        return await sampler.FindLostAsync(source);
    }
}
