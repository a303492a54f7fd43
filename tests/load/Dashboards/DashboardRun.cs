using UrlShortener.Load.OpenModel;
using UrlShortener.TestServers;
using UrlShortener.TestServers.Monitoring;

namespace UrlShortener.Load.Dashboards;

/// <summary>Draws the service dashboard from what a real Prometheus, with the rules of this tree, saw of a load.</summary>
internal sealed class DashboardRun(DashboardOptions options, Action<string> progress)
{
    /// <summary>The first row that is not drawn: it is about the limits of callers, which this load does not reach.</summary>
    internal const string LastRow = "Limits";
    private const string Region = "eu-west";
    private const int Links = 1_000;

    // Below 100,000 an alert fires, and filling the pool is not what is to be seen.
    private const double Keys = 500_000;
    private static readonly TimeSpan FillLimit = TimeSpan.FromMinutes(3);

    // Requests that a busy machine delays are better seen in the picture than missing from it.
    private const int MaxInFlight = 2_000;
    private const double StatisticsShare = 0.003;
    private const double UnknownShare = 0.01;
    private static readonly TimeSpan Scrape = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(10);

    /// <summary>Runs the load and draws.</summary>
    public async Task<DashboardReport> RunAsync(Workspace workspace, CancellationToken cancellationToken)
    {
        var root = Checkout.Find() ?? throw new LoadException("No checkout. Run this from one.");
        var monitoring = Path.Combine(root, "config", "monitoring");
        var scenario = Scenario.All.Single(scenario => scenario.Name == "spike_test").Scale(options.TimeScale, options.RateScale);
        progress("starting PostgreSQL, Redis and the product");
        await using var backends = await Backends.StartAsync(options.Product, cancellationToken);
        var installation = await backends.InstallAsync("dashboard", cancellationToken);
        await using var product = await installation.StartAsync([$"--Region:Name={Region}"], cancellationToken);
        await WaitForKeysAsync(product, cancellationToken);
        var paths = await product.CreateLinksAsync(Links, cancellationToken);
        await using var prometheus = await StartPrometheusAsync(monitoring, product.Server.Address, cancellationToken);
        var mix = new OperationMix([
            .. Requests.RedirectsAndCreates(product.Server.Address, paths, product.ApiKey, Requests.CreatesInScenarios).Operations,
            .. Requests
                .Everything(product.Server.Address, paths, product.ApiKey)
                .Operations.Where(operation => operation.Name is Requests.Statistics or Requests.UnknownCode)
                .Select(operation => operation with { Share = operation.Name == Requests.Statistics ? StatisticsShare : UnknownShare }),
        ]);
        var start = TimeProvider.System.GetUtcNow();
        progress($"{scenario.Schedule.Count:N0} requests in {scenario.Schedule.Duration.TotalMinutes:0} minutes");
        var result = await new OpenModelRunner(scenario.Schedule, MaxInFlight, OpenModelRunner.DefaultRequestLimit).RunAsync(mix, cancellationToken);
        await Task.Delay(2 * Scrape, cancellationToken);
        var end = TimeProvider.System.GetUtcNow();

        progress("asking Prometheus");
        using var reader = new PrometheusReader(prometheus.Address);
        var drawn = new List<DrawnPanel>();
        var json = await File.ReadAllTextAsync(Path.Combine(monitoring, "dashboards", "service.json"), cancellationToken);
        foreach (var panel in DashboardPanel.Read(json, LastRow))
        {
            var data = new List<(PanelTarget, IReadOnlyList<PrometheusSeries>)>();
            foreach (var target in panel.Targets)
                data.Add((target, await reader.QueryAsync(target.Expression, start, end, Step, cancellationToken)));
            drawn.Add(new DrawnPanel(panel, data));
        }

        var picture = DashboardPicture.Draw(drawn, start.ToUnixTimeSeconds(), (end - start).TotalMinutes);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(options.Picture))!);
        await File.WriteAllTextAsync(options.Picture, picture, cancellationToken);
        await product.Server.StopAsync(cancellationToken);
        return new DashboardReport(
            Machine.Describe(workspace.DataFolder),
            scenario,
            result,
            [.. drawn.Where(panel => panel.Panel.Targets.Count > 0 && panel.Data.All(data => data.Series.Count == 0)).Select(panel => panel.Panel.Title)]
        );
    }

    private static async Task WaitForKeysAsync(Product product, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(FillLimit);
        try
        {
            while ((await product.ReadMetricsAsync(limit.Token)).Sum("shortener_kgs_pool_keys") < Keys)
                await Task.Delay(Scrape, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LoadException($"The region's keys were not there after {FillLimit.TotalSeconds:0} s.");
        }
    }

    private static async Task<PrometheusServer> StartPrometheusAsync(string monitoring, Uri product, CancellationToken cancellationToken)
    {
        var rules = Directory.GetFiles(Path.Combine(monitoring, "rules"), "*.yaml");
        var configuration = $$"""
            global:
              scrape_interval: {{Scrape.TotalSeconds:0}}s
              evaluation_interval: {{Scrape.TotalSeconds:0}}s
            rule_files: [rules/*.yaml]
            scrape_configs:
            - job_name: url-shortener
              static_configs:
              - targets: ["{{product.Authority}}"]
                labels: {namespace: shop, pod: shortener-app-0, container: app}
            """;
        try
        {
            return await PrometheusServer.StartAsync(
                configuration,
                rules.ToDictionary(path => Path.GetFileName(path), path => File.ReadAllText(path)),
                cancellationToken
            );
        }
        catch (ServerUnavailableException error)
        {
            throw new LoadException(error.Message);
        }
    }
}
