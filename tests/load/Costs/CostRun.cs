using UrlShortener.Load.OpenModel;

namespace UrlShortener.Load.Costs;

/// <summary>What a redirect, a create and a click cost: processor time of every part, and bytes.</summary>
internal sealed class CostRun(CostOptions options, Action<string> progress)
{
    private const int MaxInFlight = 1_000;
    private const double WarmUpSeconds = 8;
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(8);

    // What an idle process does in its first seconds, such as filling the pool of keys, is part of its start.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(6);

    /// <summary>Measures one store.</summary>
    public async Task<CostReport> RunAsync(Workspace workspace, CancellationToken cancellationToken)
    {
        await using ICostStore store = options.WithServers
            ? await ServersCostStore.StartAsync(options.Product, cancellationToken)
            : new SqliteCostStore(workspace.DataFolder, Executables.FindProduct(options.Product));
        IReadOnlyList<string> paths;
        CpuTimes idle;
        await using (var product = await store.StartAsync(cancellationToken))
        {
            progress("idle");
            await Task.Delay(Settling, cancellationToken);
            var before = store.ReadCpu(product);
            await Task.Delay(Idle, cancellationToken);
            var used = store.ReadCpu(product).Since(before);
            idle = new CpuTimes(used.Product / Idle.TotalSeconds, used.Postgres / Idle.TotalSeconds, used.Redis / Idle.TotalSeconds);
            progress("links");
            paths = await product.CreateLinksAsync(CostOptions.ColdLinks, cancellationToken);
            await product.Server.StopAsync(cancellationToken);
        }

        CostPhase[] phases =
        [
            await MeasureAsync("create", options.Creates, product => Requests.Creates(product.Server.Address, product.ApiKey, 1)),
            await MeasureAsync(
                "redirect from memory",
                options.Redirects,
                product => Requests.Redirects(product.Server.Address, [.. paths.Take(CostOptions.HotLinks)], 1)
            ),
            await MeasureAsync("redirect of a seldom link", options.Creates, product => Requests.Redirects(product.Server.Address, paths, 1)),
        ];
        return new CostReport(store.Name, Machine.Describe(workspace.DataFolder), idle, phases, await store.ReadEntriesAsync(cancellationToken));

        async Task<CostPhase> MeasureAsync(string name, double rate, Func<Product, Operation> operation)
        {
            progress(name);
            var before = await store.ReadBytesAsync(cancellationToken);
            await using var product = await store.StartAsync(cancellationToken);
            var mix = new OperationMix([operation(product)]);
            var warmUp = await SendAsync(mix, rate, WarmUpSeconds);
            await product.DrainAsync(cancellationToken);
            var cpu = store.ReadCpu(product);
            var result = await SendAsync(mix, rate, options.Seconds);
            await product.DrainAsync(cancellationToken);
            var cost = store.ReadCpu(product).Since(cpu).PerRequest(idle, result.Seconds, Math.Max(1, result.Answered));
            var resident = product.Server.ReadMemory("VmRSS");
            var cache = CacheLookups.Of(await product.ReadMetricsAsync(cancellationToken));
            await product.Server.StopAsync(cancellationToken);
            var bytes = (await store.ReadBytesAsync(cancellationToken)).Since(before);
            return new CostPhase(name, result, warmUp.Answered + result.Answered, cost, bytes, resident, cache);
        }

        Task<OpenModelResult> SendAsync(OperationMix mix, double rate, double seconds) =>
            new OpenModelRunner(ArrivalSchedule.Constant(rate, TimeSpan.FromSeconds(seconds)), MaxInFlight, OpenModelRunner.DefaultRequestLimit).RunAsync(
                mix,
                cancellationToken
            );
    }
}
