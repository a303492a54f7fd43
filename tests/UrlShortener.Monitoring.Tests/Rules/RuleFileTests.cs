using System.Text.RegularExpressions;
using Xunit;

namespace UrlShortener.Monitoring.Tests.Rules;

/// <summary>What every rule has, and every runbook.</summary>
public sealed partial class RuleFileTests
{
    private const string Runbooks = "/docs/runbooks/";

    [Fact]
    public async Task Rules_Checked_HaveNoFault()
    {
        var programs = await Monitoring.GetProgramsAsync();

        await programs.RunPromtoolAsync(
            Monitoring.PathOf(""),
            TestContext.Current.CancellationToken,
            ["check", "rules", "--lint=all", "--lint-fatal", .. Monitoring.RuleFiles]
        );
    }

    [Fact]
    public async Task PrometheusRules_AreMadeFromTheRules()
    {
        using var folder = new TestFolder();
        using var process = System.Diagnostics.Process.Start(Monitoring.PathOf("prometheusrules.sh"), folder.PathOf("made.yaml"));
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.True(
            await File.ReadAllTextAsync(folder.PathOf("made.yaml"), TestContext.Current.CancellationToken)
                == await File.ReadAllTextAsync(Monitoring.PathOf("prometheusrules.yaml"), TestContext.Current.CancellationToken),
            "prometheusrules.yaml is not what rules/ makes. Run `make manifests` and commit the result."
        );
    }

    [Fact]
    public void Alert_HasSeverityConcernAndTexts()
    {
        Assert.All(
            RuleFile.ReadAlerts(),
            alert =>
            {
                Assert.StartsWith("Shortener", alert.Alert!, StringComparison.Ordinal);
                Assert.Contains(alert.Labels["severity"], (string[])["critical", "warning", "none"]);
                Assert.NotEmpty(alert.Labels["concern"]);
                // A value in a label would make a new alert of each value.
                Assert.DoesNotContain(alert.Labels.Values, label => label.Contains("$value", StringComparison.Ordinal));
                Assert.Equal(["description", "runbook_url", "summary"], alert.Annotations.Keys.Order(StringComparer.Ordinal));
                Assert.DoesNotContain("$value", alert.Annotations["summary"], StringComparison.Ordinal);
                Assert.EndsWith($"{Runbooks}{alert.Alert}.md", alert.Annotations["runbook_url"], StringComparison.Ordinal);
            }
        );
        Assert.Distinct(RuleFile.ReadAlerts().Select(alert => alert.Alert));
        // One place for the address: all start alike.
        Assert.Single(RuleFile.ReadAlerts().Select(alert => alert.Annotations["runbook_url"].Split(Runbooks)[0]).Distinct());
    }

    [Fact]
    public void Alert_OfAQuantity_SaysIt()
    {
        // These tell of a state, which has no quantity.
        string[] states =
        [
            "ShortenerArchivingStalled",
            "ShortenerAutoscalerAtMaximum",
            "ShortenerBackupFailing",
            "ShortenerCircuitBreakerOpen",
            "ShortenerClickEventsFailing",
            "ShortenerClickLoadFailing",
            "ShortenerClickLoadersMissing",
            "ShortenerClickSpoolUnwritable",
            "ShortenerClusterUnreachable",
            "ShortenerFailoverNotAutomatic",
            "ShortenerKeyEpochOpened",
            "ShortenerKeyGenerationAbsent",
            "ShortenerKeyPoolStalled",
            "ShortenerNameResolutionFailing",
            "ShortenerOperatorNoLeader",
            "ShortenerPartitionsMissing",
            "ShortenerPostgresDown",
            "ShortenerPostgresNotSynchronous",
            "ShortenerPostgresPasswordStuck",
            "ShortenerPostgresStandbyAway",
            "ShortenerPrimaryMoved",
            "ShortenerRateLimiterDegraded",
            "ShortenerRedisPasswordStuck",
            "ShortenerRegionAbsent",
            "ShortenerRegionFenced",
            "ShortenerRegionNotReady",
            "ShortenerRegionNotScraped",
            "ShortenerRegionStalled",
            "ShortenerRegionSuspended",
            "ShortenerRegionUnavailable",
            "ShortenerRehearsalFailing",
            "ShortenerReplicationLagUnknown",
            "ShortenerSchemaAhead",
            "ShortenerTargetDown",
            "ShortenerTrafficNotPublished",
            "ShortenerTrafficPanic",
            "ShortenerWatchdog",
            "ShortenerWriteRoleStuck",
        ];

        Assert.Equal(
            states,
            RuleFile
                .ReadAlerts()
                .Where(alert => !alert.Annotations["description"].Contains("$value", StringComparison.Ordinal))
                .Select(alert => alert.Alert!)
                .Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void CriticalAlert_HasAWarning_ThatItSilencesByItsConcern()
    {
        // A concern has at most one critical alert of each kind; what it silences is the warning of the same concern.
        var concerns = RuleFile.ReadAlerts().GroupBy(alert => alert.Labels["concern"]).ToDictionary(group => group.Key, group => group.ToList());

        Assert.All(
            (string[])["latency", "errors", "key-pool", "error-budget", "certificates"],
            concern =>
                Assert.Equal(["critical", "warning"], concerns[concern].Select(alert => alert.Labels["severity"]).Distinct().Order(StringComparer.Ordinal))
        );
    }

    [Fact]
    public void EveryAlert_HasARunbook_AndEveryRunbookAnAlert()
    {
        var runbooks = Directory.GetFiles(SourceTree.PathOf("docs", "runbooks"), "Shortener*.md").Select(path => Path.GetFileNameWithoutExtension(path));

        Assert.Equal(RuleFile.ReadAlerts().Select(alert => alert.Alert!).Order(StringComparer.Ordinal), runbooks.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Runbook_SaysWhatOnCallNeeds()
    {
        string[] sections = ["## Meaning", "## Look first", "## Likely causes", "## What to do", "## Whom to tell"];
        Assert.All(
            Directory.GetFiles(SourceTree.PathOf("docs", "runbooks"), "Shortener*.md"),
            path =>
            {
                var text = File.ReadAllText(path);
                Assert.StartsWith($"# {Path.GetFileNameWithoutExtension(path)}\n", text, StringComparison.Ordinal);
                Assert.Equal(sections, Heading().Matches(text).Select(match => match.Value));
            }
        );
    }

    [Fact]
    public void SpecificationsAlerts_HaveItsThresholdsDurationsAndSeverities()
    {
        var alerts = RuleFile.ReadAlerts().ToDictionary(alert => alert.Alert!);

        Check("ShortenerHighLatency", "{quantile=\"0.99\"} > 0.2\n", "5m", "warning");
        Check("ShortenerVeryHighLatency", "{quantile=\"0.99\"} > 0.5\n", "2m", "critical");
        Check("ShortenerErrorRate", "> 0.01\n", "5m", "warning");
        Check("ShortenerHighErrorRate", "> 0.05\n", "2m", "critical");
        Check("ShortenerKeyPoolLow", "region:shortener_pool_low_threshold:keys", null, "warning");
        Check("ShortenerKeyPoolCritical", "region:shortener_pool_critical_threshold:keys", null, "critical");
        Check("ShortenerReplicationLag", "> 5", null, "warning");
        Check("ShortenerCacheHitRatioLow", "< 0.9\n", null, "warning");
        Assert.Contains(
            RuleFile.ReadRules(),
            rule => rule.Record == "region:shortener_pool_low_threshold:keys" && rule.Expr.Contains("100000", StringComparison.Ordinal)
        );
        Assert.Contains(
            RuleFile.ReadRules(),
            rule => rule.Record == "region:shortener_pool_critical_threshold:keys" && rule.Expr.Contains("10000\n", StringComparison.Ordinal)
        );

        void Check(string alert, string condition, string? duration, string severity)
        {
            Assert.Contains(condition, alerts[alert].Expr, StringComparison.Ordinal);
            Assert.Equal(duration, alerts[alert].For);
            Assert.Equal(severity, alerts[alert].Labels["severity"]);
        }
    }

    [GeneratedRegex("^## .+$", RegexOptions.Multiline)]
    private static partial Regex Heading();
}
