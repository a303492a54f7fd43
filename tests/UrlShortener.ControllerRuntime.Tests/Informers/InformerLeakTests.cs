using k8s.Models;
using Microsoft.AspNetCore.Http;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.ControllerRuntime.Timing;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests.Informers;

/// <summary>What an informer leaves behind. It runs alone: handles and memory of the process are measured, and other tests would take some meanwhile.</summary>
[Collection(nameof(InformerLeakTests))]
[CollectionDefinition(nameof(InformerLeakTests), DisableParallelization = true)]
public sealed class InformerLeakTests : RuntimeTest
{
    private const int Reconnects = 5_000;

    private static readonly InformerTimings Fast = new() { Reconnect = new Backoff(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(20)) };

    [Fact]
    public async Task Watch_EndsThousandsOfTimes_NothingIsLeftBehind()
    {
        await using var server = await StubApiServer.StartAsync(
            (context, count) => context.Response.WriteAsync(StubApiServer.Line("MODIFIED", "listed", count + 1))
        );
        await using var running = RunningInformer<V1ConfigMap>.Start(server.Connect(), new InformerOptions<V1ConfigMap> { Timings = Fast });

        await UntilAsync(() => server.Watches > 500, "the first watches ended");
        var (handles, memory) = Measure();
        await UntilAsync(() => server.Watches > 500 + Reconnects, "all watches ended");
        var (handlesAfter, memoryAfter) = Measure();

        Assert.Equal(1, server.Lists);
        Assert.InRange(handlesAfter, 0, handles + 100);
        Assert.InRange(memoryAfter, 0, memory + (20 << 20));

        static (int Handles, long Memory) Measure() => (Directory.GetFiles("/proc/self/fd").Length, GC.GetTotalMemory(forceFullCollection: true));
    }
}
