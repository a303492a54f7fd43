using UrlShortener.Monitoring.Tests.Rules;
using UrlShortener.TestServers.Monitoring;
using Xunit;

namespace UrlShortener.Monitoring.Tests.Alerting;

/// <summary>Where alerts go, by amtool.</summary>
public sealed class RouteTests
{
    [Fact]
    public async Task File_IsAccepted()
    {
        var programs = await Monitoring.GetProgramsAsync();

        await programs.RunAmtoolAsync(Monitoring.PathOf("alertmanager"), TestContext.Current.CancellationToken, "check-config", "alertmanager.yaml");
    }

    [Fact]
    public void AlertmanagerConfig_SaysWhatTheFileSays() =>
        Assert.Equal(AlertmanagerFiles.WithoutSecrets(AlertmanagerFiles.ReadFile()), AlertmanagerFiles.WithoutSecrets(AlertmanagerFiles.ReadObject()));

    [Fact]
    public async Task EveryAlert_ReachesOneReceiver_BySeverity()
    {
        var programs = await Monitoring.GetProgramsAsync();
        foreach (var alert in RuleFile.ReadAlerts())
            Assert.Equal(ReceiverOf(alert), await RouteAsync(programs, Monitoring.PathOf("alertmanager/alertmanager.yaml"), alert, "shop"));
    }

    [Fact]
    public async Task EveryAlert_OfANamespaceWithAnAlertmanagerConfig_ReachesOneReceiver()
    {
        var programs = await Monitoring.GetProgramsAsync();
        using var folder = new TestFolder();
        await File.WriteAllTextAsync(
            folder.PathOf("made.yaml"),
            AlertmanagerFiles.Combine(["urlshortener-system", "shop", "other"]),
            TestContext.Current.CancellationToken
        );

        foreach (var alert in RuleFile.ReadAlerts())
        {
            var space = alert.Labels.GetValueOrDefault("namespace", "shop");
            Assert.Equal($"{space}/url-shortener/{ReceiverOf(alert)}", await RouteAsync(programs, folder.PathOf("made.yaml"), alert, space));
        }
    }

    [Fact]
    public void EveryAlert_HasANamespace_SoThatPrometheusOperatorRoutesIt() =>
        Assert.All(
            AlertCases.All,
            alert =>
                Assert.Contains(
                    "namespace=",
                    alert.Labels + string.Concat(RuleFile.ReadAlerts().Single(rule => rule.Alert == alert.Alert).Labels.Select(label => $" {label.Key}=")),
                    StringComparison.Ordinal
                )
        );

    private static string ReceiverOf(Rule alert) =>
        alert.Labels["severity"] switch
        {
            "critical" => "page",
            "warning" => "channel",
            _ => "watchdog",
        };

    // All receivers, parted by commas: the first line. A setting of this machine may be worth a warning, in the next.
    private static async Task<string> RouteAsync(MonitoringPrograms programs, string file, Rule alert, string space)
    {
        var output = await programs.RunAmtoolAsync(
            Path.GetDirectoryName(file)!,
            TestContext.Current.CancellationToken,
            "config",
            "routes",
            "test",
            $"--config.file={file}",
            $"alertname={alert.Alert}",
            $"severity={alert.Labels["severity"]}",
            $"concern={alert.Labels["concern"]}",
            $"namespace={space}",
            "region=eu"
        );
        return output.Split('\n')[0];
    }
}
