namespace UrlShortener.Load;

/// <summary>Creations: how many links a second the product takes in, each one a new URL.</summary>
internal sealed class CreateRun(CreateOptions options, Action<string> progress)
{
    private const int WarmUpSeconds = 3;

    public async Task<CreateReport> RunAsync(Workspace workspace, CancellationToken cancellationToken)
    {
        var wrk = await Wrk.PrepareAsync(workspace.Folder, options.Threads, cancellationToken);
        await using var product = await Product.StartAsync(Executables.FindProduct(options.Product), workspace.DataFolder, cancellationToken);

        progress("warm-up");
        var warmUp = await wrk.CreateAsync(
            product.Server.Address,
            product.ApiKey,
            run: 1,
            new LoadProfile("warm-up", options.Connections, WarmUpSeconds),
            cancellationToken
        );
        progress("measuring");
        var load = new LoadProfile("create", options.Connections, options.Seconds);
        var before = product.Server.CpuTime;
        var measurement = await wrk.CreateAsync(product.Server.Address, product.ApiKey, run: 2, load, cancellationToken);
        var report = new CreateReport
        {
            Machine = Machine.Describe(workspace.DataFolder),
            Load = load,
            Measurement = measurement,
            CpuMicroseconds = (product.Server.CpuTime - before).TotalMicroseconds / measurement.Requests,
            ResidentBytes = product.Server.ReadMemory("VmRSS"),
            PeakResidentBytes = product.Server.ReadMemory("VmHWM"),
            Errors = warmUp.Errors + measurement.Errors,
        };
        await product.Server.StopAsync(cancellationToken);
        return report;
    }
}
