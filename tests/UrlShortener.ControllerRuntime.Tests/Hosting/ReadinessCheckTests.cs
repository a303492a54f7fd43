using Microsoft.Extensions.Diagnostics.HealthChecks;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.ControllerRuntime.Informers;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests.Hosting;

public sealed class ReadinessCheckTests
{
    [Theory]
    [InlineData(true, 179, true)]
    [InlineData(true, 181, false)]
    [InlineData(false, 0, false)]
    public async Task Check_OneInformer_ReadyWhileInStepAndHeardFrom(bool hasSynced, int silentSeconds, bool expected)
    {
        var check = new ReadinessCheck([new StubInformer(true, TimeSpan.Zero), new StubInformer(hasSynced, TimeSpan.FromSeconds(silentSeconds))]);

        var result = await check.CheckHealthAsync(new HealthCheckContext(), TestContext.Current.CancellationToken);

        Assert.Equal(expected, result.Status == HealthStatus.Healthy);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public async Task Check_KindThatIsNoLongerServed_IsReadyOnlyIfItIsOptional(bool isOptional, bool expected)
    {
        var check = new ReadinessCheck([new StubInformer(true, TimeSpan.Zero) { IsNotServed = true, IsOptional = isOptional }]);

        var result = await check.CheckHealthAsync(new HealthCheckContext(), TestContext.Current.CancellationToken);

        Assert.Equal(expected, result.Status == HealthStatus.Healthy);
    }

    private sealed record StubInformer(bool HasSynced, TimeSpan SilentFor) : IInformer
    {
        public string Kind => "Stub";

        public bool IsNotServed { get; init; }

        public bool IsOptional { get; init; }

        public Task WaitForSyncAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task RunAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
