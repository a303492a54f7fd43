using System.Net;
using System.Runtime.CompilerServices;
using UrlShortener.Load.Soak;

namespace UrlShortener.Load.OpenModel;

/// <summary>The scenarios of the specification, each on a product of its own, after the floor in the same minutes.</summary>
internal sealed class ScenarioRun(ScenarioOptions options, Action<string> progress)
{
    // An hour of the floor would say no more.
    private static readonly TimeSpan LongestFloor = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);

    // A tenth of the load for some seconds compiles what the load runs, and opens connections.
    private const double LeastWarmUpRate = 50;

    // In a short soak at a low rate the collector has no reason to run, and what is not collected looks like a leak. 4 MB.
    private static readonly TimeSpan ShortSoak = TimeSpan.FromMinutes(15);
    private static readonly (string Name, string Value) CollectOften = ("DOTNET_GCgen0size", "400000");

    /// <summary>Runs scenarios, scaled.</summary>
    public async IAsyncEnumerable<ScenarioReport> RunAsync(
        Workspace workspace,
        IEnumerable<Scenario> scenarios,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        await using var backends = options.WithServers ? await Backends.StartAsync(options.Product, cancellationToken) : null;
        foreach (var original in scenarios)
        {
            var scenario = original.Scale(options.TimeScale, options.RateScale);
            await using var product = await StartAsync(backends, workspace, scenario, cancellationToken);
            var report = await RunAsync(workspace, scenario, product, cancellationToken);
            await product.Server.StopAsync(cancellationToken);
            yield return report;
        }
    }

    private async Task<Product> StartAsync(Backends? backends, Workspace workspace, Scenario scenario, CancellationToken cancellationToken)
    {
        (string, string)[] environment = scenario.IsSoak && scenario.Schedule.Duration < ShortSoak ? [CollectOften] : [];
        if (backends is not null)
            return await (await backends.InstallAsync(scenario.Name, cancellationToken)).StartAsync(cancellationToken, environment);
        var data = Directory.CreateDirectory(Path.Combine(workspace.DataFolder, scenario.Name)).FullName;
        return await Product.StartAsync(Executables.FindProduct(options.Product), [$"--Storage:DataDirectory={data}"], null, cancellationToken, environment);
    }

    private async Task<ScenarioReport> RunAsync(Workspace workspace, Scenario scenario, Product product, CancellationToken cancellationToken)
    {
        var floor = options.WithFloor ? await RunFloorAsync(scenario, cancellationToken) : null;
        var paths = await product.CreateLinksAsync(options.Links, cancellationToken);
        var mix = scenario.IsSoak
            ? Requests.Everything(product.Server.Address, paths, product.ApiKey)
            : Requests.RedirectsAndCreates(product.Server.Address, paths, product.ApiKey, options.Creates);
        progress($"{scenario.Name}: warm-up");
        await WarmUpAsync(scenario, mix, cancellationToken);
        progress($"{scenario.Name}: {scenario.Schedule.Count:N0} requests in {scenario.Schedule.Duration.TotalSeconds:N0} s");
        var (load, samples) = await ResourceSampler.DuringAsync(
            product,
            scenario.Schedule.Duration,
            token => MeasureAsync(product.Server, scenario, scenario.Schedule, mix, token),
            cancellationToken
        );
        // Storing what clicks are left belongs to the cost of the redirects.
        await product.DrainAsync(cancellationToken);
        load = load with { CpuSeconds = (product.Server.CpuTime - load.CpuBefore).TotalSeconds };
        var clicks = await product.ReadClicksAsync(cancellationToken);
        return new ScenarioReport(
            scenario,
            Machine.Describe(workspace.DataFolder),
            options.WithServers,
            load,
            floor,
            clicks,
            samples,
            scenario.IsSoak ? SoakBounds.Judge(samples, scenario.Schedule.Duration.TotalSeconds, options.GrowthFactor) : []
        );
    }

    private async Task<MeasuredLoad> RunFloorAsync(Scenario scenario, CancellationToken cancellationToken)
    {
        await using var server = await ServerProcess.StartAsync(Executables.FindFloor(), [], "/", HttpStatusCode.Found, null, cancellationToken);
        var mix = new OperationMix([Requests.Redirects(server.Address, ["/floor"], 1)]);
        await WarmUpAsync(scenario, mix, cancellationToken);
        progress($"{scenario.Name}: floor");
        var load = await MeasureAsync(server, scenario, scenario.Schedule.Shorten(LongestFloor), mix, cancellationToken);
        await server.StopAsync(cancellationToken);
        return load;
    }

    private async Task WarmUpAsync(Scenario scenario, OperationMix mix, CancellationToken cancellationToken)
    {
        var schedule = ArrivalSchedule.Constant(Math.Max(LeastWarmUpRate, scenario.Schedule.MeanRate / 10), WarmUp);
        await new OpenModelRunner(schedule, scenario.MaxInFlight, options.RequestLimit).RunAsync(mix, cancellationToken);
    }

    private async Task<MeasuredLoad> MeasureAsync(
        ServerProcess server,
        Scenario scenario,
        ArrivalSchedule schedule,
        OperationMix mix,
        CancellationToken cancellationToken
    )
    {
        var before = server.CpuTime;
        var result = await new OpenModelRunner(schedule, scenario.MaxInFlight, options.RequestLimit).RunAsync(mix, cancellationToken);
        return new MeasuredLoad(result, before, (server.CpuTime - before).TotalSeconds);
    }
}
