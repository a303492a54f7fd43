using System.Globalization;

namespace UrlShortener.Load;

/// <summary>
/// The attack that the capture of clicks must outlive: one link followed with another large user agent in each request, in a process with the memory
/// of a small pod.
/// </summary>
internal sealed class FloodRun(FloodOptions options, Action<string> progress)
{
    private const int UserAgentBytes = 28 * 1024;

    public async Task<FloodReport> RunAsync(Workspace workspace, CancellationToken cancellationToken)
    {
        var wrk = await Wrk.PrepareAsync(workspace.Folder, options.Threads, cancellationToken);
        // .NET reads it as hexadecimal.
        var heap = ("DOTNET_GCHeapHardLimit", string.Create(CultureInfo.InvariantCulture, $"0x{options.HeapMegabytes * 1024L * 1024:X}"));
        await using var product = await Product.StartAsync(
            Executables.FindProduct(options.Product),
            [$"--Storage:DataDirectory={workspace.DataFolder}"],
            null,
            cancellationToken,
            heap
        );
        var path = (await product.CreateLinksAsync(1, cancellationToken))[0];

        try
        {
            return await MeasureAsync(wrk, product, path, workspace, cancellationToken);
        }
        // What the flood is there to find.
        catch (HttpRequestException error)
        {
            throw new LoadException($"The product did not outlive the flood: {error.Message}");
        }
    }

    private async Task<FloodReport> MeasureAsync(Wrk wrk, Product product, string path, Workspace workspace, CancellationToken cancellationToken)
    {
        progress("flood");
        var load = new LoadProfile("flood", options.Connections, options.Seconds);
        var flood = wrk.FloodAsync(product.Server.Address, path, UserAgentBytes, load, cancellationToken);
        var (meanwhile, mostWaiting) = (0L, 0L);
        while (!flood.IsCompleted)
        {
            var metrics = await product.ReadMetricsAsync(cancellationToken);
            meanwhile = ClickCounters.Of(metrics).Stored;
            mostWaiting = Math.Max(mostWaiting, (long)metrics.Sum("shortener_clicks_waiting"));
            await Task.WhenAny(flood, Task.Delay(TimeSpan.FromMilliseconds(250), cancellationToken));
        }

        var measurement = await flood;
        var drain = await product.DrainAsync(cancellationToken);
        var report = new FloodReport
        {
            HeapMegabytes = options.HeapMegabytes,
            Machine = Machine.Describe(workspace.DataFolder),
            Load = load,
            Measurement = measurement,
            StoredMeanwhile = meanwhile,
            MostWaiting = mostWaiting,
            Clicks = await product.ReadClicksAsync(cancellationToken),
            DrainSeconds = drain.TotalSeconds,
            PeakResidentBytes = product.Server.ReadMemory("VmHWM"),
        };
        await product.Server.StopAsync(cancellationToken);
        return report;
    }
}
