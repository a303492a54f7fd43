using k8s.Models;
using Microsoft.AspNetCore.Http;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.ControllerRuntime.Timing;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests.Informers;

/// <summary>Informers of a server that does what a real one cannot be made to do.</summary>
public sealed class InformerStreamTests : RuntimeTest
{
    private static readonly InformerTimings Fast = new() { Reconnect = new Backoff(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(20)) };

    [Fact]
    public async Task Watch_LineCutOff_ListsAnewAndGoesOn()
    {
        await using var server = await StubApiServer.StartAsync(
            async (context, count) =>
            {
                var line = StubApiServer.Line("ADDED", "made", 2);
                await context.Response.WriteAsync(count == 1 ? line[..30] : line);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                if (count > 1)
                    await HangAsync(context);
            }
        );
        await using var running = RunningInformer<V1ConfigMap>.Start(server.Connect(), new InformerOptions<V1ConfigMap> { Timings = Fast });

        await UntilAsync(() => running.Changes.Has("+made"), "the object is told");

        Assert.Equal(2, server.Lists);
    }

    [Fact]
    public async Task Watch_ObjectDoesNotFit_ListsAnewAndForgetsNothing()
    {
        await using var server = await StubApiServer.StartAsync(
            async (context, count) =>
            {
                var line = StubApiServer.Line("MODIFIED", "listed", 2);
                await context.Response.WriteAsync(count == 1 ? line.Replace("\"uid\":\"listed\"", "\"uid\":[]", StringComparison.Ordinal) : "");
                await context.Response.Body.FlushAsync(context.RequestAborted);
                if (count > 1)
                    await HangAsync(context);
            }
        );
        await using var running = RunningInformer<V1ConfigMap>.Start(server.Connect(), new InformerOptions<V1ConfigMap> { Timings = Fast });

        await UntilAsync(() => server.Lists == 2, "the informer lists anew");

        Assert.Equal(["+listed"], running.Changes.All);
        Assert.Equal(1, running.Informer.Cache.Count);
    }

    [Fact]
    public async Task Watch_SaysNothing_IsOpenedAnewFromTheSamePlace()
    {
        await using var server = await StubApiServer.StartAsync((context, _) => HangAsync(context));
        var timings = Fast with { IdleLimit = TimeSpan.FromMilliseconds(100) };
        await using var running = RunningInformer<V1ConfigMap>.Start(server.Connect(), new InformerOptions<V1ConfigMap> { Timings = timings });

        await UntilAsync(() => server.Watches >= 5, "several watches were opened");

        Assert.Equal(1, server.Lists);
    }

    [Fact]
    public async Task Watch_GoneInTheMiddle_ListsAnew()
    {
        await using var server = await StubApiServer.StartAsync(
            async (context, count) =>
            {
                await context.Response.WriteAsync(
                    count == 1 ? """{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}""" + "\n" : ""
                );
                await context.Response.Body.FlushAsync(context.RequestAborted);
                if (count > 1)
                    await HangAsync(context);
            }
        );
        await using var running = RunningInformer<V1ConfigMap>.Start(server.Connect(), new InformerOptions<V1ConfigMap> { Timings = Fast });

        await UntilAsync(() => server is { Lists: 2, Watches: 2 }, "the informer lists and watches anew");

        Assert.Equal(["+listed"], running.Changes.All);
    }

    [Fact]
    public async Task Handler_Throws_OthersAreToldAndTheWatchGoesOn()
    {
        await using var server = await StubApiServer.StartAsync(
            async (context, count) =>
            {
                await context.Response.WriteAsync(StubApiServer.Line("ADDED", "made", 2));
                await context.Response.Body.FlushAsync(context.RequestAborted);
                await HangAsync(context);
            }
        );
        var log = new TestLog<Informer<V1ConfigMap>>();
        using var client = server.Connect();
        var informer = new Informer<V1ConfigMap>(client, new InformerOptions<V1ConfigMap> { Timings = Fast }, TimeProvider.System, log);
        informer.Subscribe(_ => throw new InvalidOperationException("A bug."));
        var changes = new ChangeList<V1ConfigMap>(informer);
        using var end = new CancellationTokenSource();
        var running = informer.RunAsync(end.Token);

        await UntilAsync(() => changes.Has("+made"), "the object is told");

        Assert.Equal(2, log.Count("HandlerFailed"));
        Assert.Equal(1, server.Watches);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private static async Task HangAsync(HttpContext context)
    {
        if (!context.Response.HasStarted)
            await context.Response.StartAsync(context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
        try
        {
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            // The client left.
        }
    }
}
