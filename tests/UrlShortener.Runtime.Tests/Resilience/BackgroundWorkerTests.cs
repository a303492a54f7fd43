using UrlShortener.Runtime.Resilience;
using Xunit;

namespace UrlShortener.Runtime.Tests.Resilience;

public sealed class BackgroundWorkerTests
{
    [Fact]
    public async Task Run_WorkFails_CallerGetsTheErrorAndTheThreadGoesOn()
    {
        using var worker = new BackgroundWorker("test");
        var error = await Assert.ThrowsAsync<IOException>(() => worker.RunAsync(() => throw new IOException("full")));
        Assert.Equal("full", error.Message);

        string? name = null;
        await worker.RunAsync(() => name = Thread.CurrentThread.Name);

        Assert.Equal("test", name);
    }

    [Fact]
    public void Dispose_WorkWaits_DoesItFirst()
    {
        var done = false;
        var worker = new BackgroundWorker("test");
        var work = worker.RunAsync(() => done = true);

        worker.Dispose();

        Assert.True(done);
        Assert.True(work.IsCompletedSuccessfully);
        Assert.Throws<InvalidOperationException>(() =>
        {
            _ = worker.RunAsync(() => { });
        });
    }
}
