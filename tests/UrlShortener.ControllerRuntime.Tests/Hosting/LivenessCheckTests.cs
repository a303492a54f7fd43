using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.ControllerRuntime.Queue;
using UrlShortener.ControllerRuntime.Timing;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests.Hosting;

public sealed class LivenessCheckTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Check_WorkNeverEnds_FailsAfterMinutesAndRecoversWithIt()
    {
        using var queue = new WorkQueue<string>("liveness", Backoff.Reconcile, _time);
        var check = new LivenessCheck([queue]);
        queue.Add("a");
        await queue.TakeAsync(TestContext.Current.CancellationToken);

        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(HealthStatus.Healthy, await CheckAsync());
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(HealthStatus.Unhealthy, await CheckAsync());
        queue.Done("a");
        Assert.Equal(HealthStatus.Healthy, await CheckAsync());

        async Task<HealthStatus> CheckAsync() => (await check.CheckHealthAsync(new HealthCheckContext(), TestContext.Current.CancellationToken)).Status;
    }
}
