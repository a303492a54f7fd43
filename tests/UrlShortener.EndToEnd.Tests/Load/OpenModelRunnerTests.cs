using UrlShortener.Load.OpenModel;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Load;

/// <summary>What a load says of a server that stalls, is too slow or is not there.</summary>
public sealed class OpenModelRunnerTests
{
    private static readonly Threshold[] OneSecond = [new(Requests.Redirect, 1_000)];

    [Fact]
    public async Task RunAsync_ServerStallsForASecond_TheStallIsInTheLatencies()
    {
        await using var server = await StallingServer.StartAsync(stallsAt: 200);

        // 200 of the 600 requests are due while nothing is answered; the first of them waits for a second, and half of them for longer than half a second.
        var result = await RunAsync(server.Address, ArrivalSchedule.Constant(200, TimeSpan.FromSeconds(3)), maxInFlight: 1_000);

        var latency = Assert.Single(result.Operations).Latency;
        Assert.Equal((600, 0, 0), (latency.Count, result.Dropped, result.Errors));
        Assert.InRange(latency.P99, 900, double.MaxValue);
        Assert.InRange(latency.P95, 700, double.MaxValue);
        Assert.InRange(result.MostInFlight, 150, 1_000);
    }

    [Fact]
    public async Task RunAsync_NoneOfTheRequestsInFlightIsFree_DropsCountsAndFails()
    {
        await using var server = await StallingServer.StartAsync(stallsAt: 1);

        var result = await RunAsync(server.Address, ArrivalSchedule.Constant(100, TimeSpan.FromSeconds(0.5)), maxInFlight: 5);

        Assert.InRange(result.Dropped, 1, 45);
        Assert.Equal(50, result.Offered);
        Assert.Equal(50 - result.Dropped, result.Answered);
        Assert.Equal(5, result.MostInFlight);
        Assert.Contains(
            OpenModelVerdict.Judge(result, OneSecond),
            target => !target.Met && target.Name.StartsWith("Requests dropped", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task RunAsync_NothingListens_FailsByErrorsAndByTheThresholdWithoutSamples()
    {
        var result = await RunAsync(new Uri("http://127.0.0.1:1"), ArrivalSchedule.Constant(100, TimeSpan.FromSeconds(0.3)), maxInFlight: 100);

        Assert.Equal((0, 30), (result.Answered, result.Errors));
        Assert.Equal(30, Assert.Single(result.Operations).Errors["ConnectionRefused"]);
        var failed = OpenModelVerdict.Judge(result, OneSecond).Where(target => !target.Met).ToList();
        Assert.Contains(failed, target => target.Measured == "redirect: 30 ConnectionRefused");
        Assert.Contains(failed, target => target.Measured == "no samples");
        Assert.Contains(failed, target => target.Name.StartsWith("Achieved", StringComparison.Ordinal));
    }

    [Fact]
    public async Task RunAsync_ServerStallsLongerThanARequestMayTake_CountsNoAnswerInTime()
    {
        await using var server = await StallingServer.StartAsync(stallsAt: 1);

        var runner = new OpenModelRunner(ArrivalSchedule.Constant(100, TimeSpan.FromSeconds(0.2)), 100, TimeSpan.FromMilliseconds(200));
        var result = await runner.RunAsync(Redirects(server.Address), TestContext.Current.CancellationToken);

        Assert.InRange(Assert.Single(result.Operations).Errors["no answer in time"], 1, 20);
        Assert.Equal(20, result.Answered + result.Errors);
    }

    [Fact]
    public async Task RunAsync_OtherAnswerThanTheRightOne_CountsItsStatus()
    {
        await using var server = await StallingServer.StartAsync(stallsAt: int.MaxValue);
        var creates = new OperationMix([Requests.Creates(server.Address, "key", 1)]);

        var runner = new OpenModelRunner(ArrivalSchedule.Constant(100, TimeSpan.FromSeconds(0.2)), 100, OpenModelRunner.DefaultRequestLimit);
        var result = await runner.RunAsync(creates, TestContext.Current.CancellationToken);

        Assert.Equal(20, Assert.Single(result.Operations).Errors["status 302"]);
    }

    [Fact]
    public void Judge_GoodRunWithoutCreates_FailsByTheThresholdOfCreatesAlone()
    {
        var latency = new LatencySummary(100, 1, 2, 3, 4);
        var result = new OpenModelResult(100, 10, 0, 10, [new(Requests.Redirect, latency, new Dictionary<string, long>())], [], latency, 1, 1);

        var failed = Assert.Single(OpenModelVerdict.Judge(result, Threshold.OfSpecification), target => !target.Met);

        Assert.Equal(("p99 of create", "no samples"), (failed.Name, failed.Measured));
        Assert.DoesNotContain(OpenModelVerdict.Judge(result, [new Threshold(Requests.Redirect, 3)]), target => !target.Met);
        Assert.Contains(OpenModelVerdict.Judge(result, [new Threshold(Requests.Redirect, 2.9)]), target => !target.Met);
        Assert.Contains(
            OpenModelVerdict.Judge(result with { SendDelay = new LatencySummary(100, 1, 2, 11, 12) }, []),
            target => !target.Met && target.Name.StartsWith("Requests sent late", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void Choose_ManyRequests_SharesAsWanted()
    {
        var mix = Requests.RedirectsAndCreates(new Uri("http://127.0.0.1"), ["/a"], "key", 0.01);

        var creates = Enumerable.Range(0, 100_000).Count(number => mix.Operations[mix.Choose(number).Operation].Name == Requests.Create);

        Assert.InRange(creates, 900, 1_100);
        Assert.Equal(mix.Choose(7), mix.Choose(7));
    }

    private static OperationMix Redirects(Uri address) => new([Requests.Redirects(address, ["/a", "/b"], 1)]);

    private static Task<OpenModelResult> RunAsync(Uri address, ArrivalSchedule schedule, int maxInFlight) =>
        new OpenModelRunner(schedule, maxInFlight, OpenModelRunner.DefaultRequestLimit).RunAsync(Redirects(address), TestContext.Current.CancellationToken);
}
