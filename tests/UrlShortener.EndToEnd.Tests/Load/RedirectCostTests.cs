using System.Net;
using UrlShortener.Load;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Load;

/// <summary>
/// What a redirect costs against a bare endpoint that answers 302, the storing of its click included. Processor time, so that it holds while other programs
/// run. <c>make bench</c> measures rates and latencies.
/// </summary>
public sealed class RedirectCostTests
{
    // Measured with 100 links: 1.3 to 1.8 at a load average of 12; docs/performance.md has the figures under full load.
    private const double MostRatio = 2.5;

    // Periodic work, and what runs for the first time, weighs more on a slow machine, and never makes the product look cheaper. So one good round is enough.
    private const int MostRounds = 6;
    private const int RequestsPerRound = 5_000;
    private const int Connections = 8;

    // The clicks of one link share a row. Those of many would each have their own on a slow machine.
    private const int Links = 1;

    // Otherwise code that runs often is compiled again while it is measured, and the product has more of it.
    private static readonly (string Name, string Value) CompiledOnce = ("DOTNET_TieredCompilation", "0");

    [Fact]
    public async Task Redirect_OfAHotLink_CostsLittleMoreThanABareEndpoint()
    {
        var token = TestContext.Current.CancellationToken;
        using var workspace = new Workspace();
        await using var floor = await ServerProcess.StartAsync(Executables.FindFloor(), [], "/", HttpStatusCode.Found, null, token, CompiledOnce);
        await using var product = await UrlShortener.Load.Product.StartAsync(
            BuiltPrograms.Runtime,
            [$"--Storage:DataDirectory={workspace.DataFolder}"],
            null,
            token,
            CompiledOnce
        );
        var paths = await product.CreateLinksAsync(Links, token);

        await MeasureFloorAsync();
        await MeasureProductAsync();
        var lines = new List<string>();
        var isCheap = false;
        while (!isCheap && lines.Count < MostRounds)
        {
            var (bare, full) = (await MeasureFloorAsync(), await MeasureProductAsync());
            isCheap = full <= MostRatio * bare;
            lines.Add($"{full:0.0} µs against {bare:0.0} µs");
        }

        var text = string.Join(", ", lines);
        TestContext.Current.SendDiagnosticMessage(text);
        Assert.True(isCheap, $"A redirect cost more than {MostRatio} times the processor time of a bare endpoint: {text}");

        Task<double> MeasureFloorAsync() => MeasureAsync(floor, () => Task.CompletedTask);
        // What a redirect leaves to do is part of its cost.
        Task<double> MeasureProductAsync() => MeasureAsync(product.Server, () => product.DrainAsync(token));

        async Task<double> MeasureAsync(ServerProcess server, Func<Task> finishAsync)
        {
            var before = server.CpuTime;
            var next = 0;
            await Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => RequestAsync()));
            await finishAsync();
            return (server.CpuTime - before).TotalMicroseconds / RequestsPerRound;

            async Task RequestAsync()
            {
                while (Interlocked.Increment(ref next) is var number && number <= RequestsPerRound)
                {
                    using var response = await server.Client.GetAsync(paths[number % Links], token);
                    Assert.Equal(HttpStatusCode.Found, response.StatusCode);
                }
            }
        }
    }
}
