using System.Net;

namespace UrlShortener.Load;

/// <summary>Redirects: the product against the floor on the same machine in the same minutes, told as ratios.</summary>
internal sealed class RedirectRun(RedirectOptions options, Action<string> progress)
{
    private const int WarmUpSeconds = 3;
    private const int LongestTopUpSeconds = 120;

    private readonly LoadProfile _full = new("full load", options.Connections, options.Seconds);
    private readonly LoadProfile _light = new("light load", RedirectOptions.LightConnections, options.Seconds, ThinkMilliseconds: 1);

    public async Task<RedirectReport> RunAsync(Workspace workspace, CancellationToken cancellationToken)
    {
        var wrk = await Wrk.PrepareAsync(workspace.Folder, options.Threads, cancellationToken);
        // The floor goes first: it also warms this process' own HTTP client, which would otherwise be part of the product's start-up time.
        await using var floor = await ServerProcess.StartAsync(Executables.FindFloor(), [], "/", HttpStatusCode.Found, null, cancellationToken);
        await using var product = await Product.StartAsync(Executables.FindProduct(options.Product), workspace.DataFolder, cancellationToken);
        var paths = await product.CreateLinksAsync(options.Links, cancellationToken);
        var pathsFile = Path.Combine(workspace.Folder, "paths");
        await File.WriteAllLinesAsync(pathsFile, paths, cancellationToken);
        var pair = new Pair(wrk, pathsFile, floor, product);

        var warmUp = await pair.MeasureAsync(0, new LoadProfile("warm-up", options.Connections, WarmUpSeconds), strict: true, progress, cancellationToken);
        var machineBefore = MachineTime.Read();
        var (floorBefore, productBefore) = (floor.CpuTime, product.Server.CpuTime);
        var full = await MeasureRoundsAsync(pair, _full, cancellationToken);
        // Taken after the last drain, so that the work of storing clicks is in it, wherever in time it falls.
        var floorCpu = floor.CpuTime - floorBefore;
        var productCpu = product.Server.CpuTime - productBefore;
        var generatorCpu = TimeSpan.FromSeconds(full.Sum(round => round.Floor.GeneratorCpuSeconds + round.Product.GeneratorCpuSeconds));
        var others = MachineTime.Read().ShareOfOthers(machineBefore, floorCpu + productCpu + generatorCpu);
        var light = await MeasureRoundsAsync(pair, _light, cancellationToken);
        var topUp = await TopUpAsync(pair, full, cancellationToken);

        var clicks = await product.ReadClicksAsync(cancellationToken);
        var report = new RedirectReport
        {
            Machine = Machine.Describe(workspace.DataFolder),
            Full = new Comparison(_full, full),
            Light = new Comparison(_light, light),
            FloorStartUpSeconds = floor.StartUp.TotalSeconds,
            ProductStartUpSeconds = product.Server.StartUp.TotalSeconds,
            FloorCpuMicroseconds = floorCpu.TotalMicroseconds / full.Sum(round => round.Floor.Requests),
            ProductCpuMicroseconds = productCpu.TotalMicroseconds / full.Sum(round => round.Product.Requests),
            ShareOfOthers = others,
            Answered = warmUp.Product.Requests + full.Concat(light).Sum(round => round.Product.Requests) + (topUp?.Requests ?? 0),
            Clicks = clicks,
            ResidentBytes = product.Server.ReadMemory("VmRSS"),
            PeakResidentBytes = product.Server.ReadMemory("VmHWM"),
            Errors = warmUp.Errors + full.Concat(light).Sum(round => round.Errors) + (topUp?.Errors ?? 0),
        };
        await product.Server.StopAsync(cancellationToken);
        await floor.StopAsync(cancellationToken);
        return report;
    }

    private async Task<IReadOnlyList<Round>> MeasureRoundsAsync(Pair pair, LoadProfile load, CancellationToken cancellationToken)
    {
        var rounds = new List<Round>();
        for (var number = 1; number <= options.Rounds; number++)
            rounds.Add(await pair.MeasureAsync(number, load, strict: false, progress, cancellationToken));
        return rounds;
    }

    /// <summary>Short runs are continued until the product has served enough for its memory to mean something.</summary>
    private async Task<Measurement?> TopUpAsync(Pair pair, IReadOnlyList<Round> full, CancellationToken cancellationToken)
    {
        var missing = Targets.MemoryAfterRedirects - (await pair.Product.ReadClicksAsync(cancellationToken)).Redirects;
        if (missing <= 0)
            return null;
        var seconds = missing / full.Max(round => round.Product.RequestsPerSecond) * 1.2;
        var load = new LoadProfile("top-up", options.Connections, (int)Math.Clamp(Math.Ceiling(seconds), 1, LongestTopUpSeconds));
        var (measurement, _) = await pair.MeasureProductAsync(load, strict: false, cancellationToken);
        return measurement;
    }

    /// <summary>The two servers, of which one is measured while the other idles.</summary>
    private sealed record Pair(Wrk Wrk, string PathsFile, ServerProcess Floor, Product Product)
    {
        /// <summary>Odd rounds start with the floor, even ones with the product, so that a machine that warms up or slows down favours neither.</summary>
        public async Task<Round> MeasureAsync(int number, LoadProfile load, bool strict, Action<string> progress, CancellationToken cancellationToken)
        {
            progress($"{load.Name}, round {number}");
            var productFirst = number % 2 == 0;
            var early = productFirst ? await MeasureProductAsync(load, strict, cancellationToken) : default;
            var floor = await Wrk.RedirectAsync(Floor.Address, PathsFile, load, strict, cancellationToken);
            var (product, drain) = productFirst ? early : await MeasureProductAsync(load, strict, cancellationToken);
            return new Round(number, productFirst, floor, product, drain.TotalSeconds);
        }

        /// <summary>Ends only when the clicks are stored: what is left to do would otherwise slow the floor's next run.</summary>
        public async Task<(Measurement Measurement, TimeSpan Drain)> MeasureProductAsync(LoadProfile load, bool strict, CancellationToken cancellationToken)
        {
            var measurement = await Wrk.RedirectAsync(Product.Server.Address, PathsFile, load, strict, cancellationToken);
            return (measurement, await Product.DrainAsync(cancellationToken));
        }
    }
}
