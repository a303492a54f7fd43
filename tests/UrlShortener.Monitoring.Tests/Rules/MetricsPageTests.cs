using System.Text.RegularExpressions;
using UrlShortener.TestHarness.Monitoring;
using Xunit;

namespace UrlShortener.Monitoring.Tests.Rules;

/// <summary>docs/metrics.md, which a test of the programs compares with what they expose, names what reads each metric.</summary>
public sealed partial class MetricsPageTests
{
    // Of Prometheus itself, and of Kubernetes' API server.
    private static readonly string[] Given = ["up", "ALERTS", "apiserver_admission_webhook_fail_open_count", "apiserver_admission_webhook_rejection_count"];

    // Words of PromQL and of the expressions' labels.
    private static readonly HashSet<string> Words =
    [
        "abs",
        "absent",
        "and",
        "avg_over_time",
        "by",
        "changes",
        "clamp_max",
        "clamp_min",
        "count",
        "group",
        "group_left",
        "histogram_quantile",
        "increase",
        "label_replace",
        "last_over_time",
        "max",
        "max_over_time",
        "min",
        "min_over_time",
        "offset",
        "of",
        "on",
        "or",
        "rate",
        "sum",
        "time",
        "unless",
        "vector",
        "action",
        "alertname",
        "alertstate",
        "cause",
        "certificate",
        "code",
        "commit",
        "controller",
        "error_type",
        "dependency",
        "generation",
        "hostname",
        "instance",
        "job",
        "kind",
        "le",
        "limit",
        "member",
        "method",
        "name",
        "namespace",
        "object_namespace",
        "operation",
        "outcome",
        "pod",
        "phase",
        "policy",
        "quantile",
        "reason",
        "region",
        "replica",
        "resource",
        "result",
        "role",
        "slo",
        "state",
        "step",
        "table",
        "target",
        "tier",
        "verb",
        "version",
        "Inf",
        "d",
        "h",
        "m",
        "s",
    ];

    [Fact]
    public void EveryNameInRulesAndPanels_IsAMetricOfThePage()
    {
        var metrics = ReadPage().Select(row => row.Metric).ToHashSet();
        var recorded = RuleFile.ReadRules().Select(rule => rule.Record).OfType<string>().ToHashSet();
        var used = RuleFile
            .ReadRules()
            .Select(rule => rule.Expr)
            .Concat(DashboardFiles.ReadQueries().Select(query => query.Expression))
            .SelectMany(NamesOf)
            .Distinct();

        Assert.DoesNotContain(
            used,
            name => !metrics.Contains(name) && !metrics.Contains(WithoutSuffix(name)) && !recorded.Contains(name) && !Given.Contains(name)
        );
    }

    [Fact]
    public void UsedBy_NamesTheAlertsAndThePanels()
    {
        var recorded = RuleFile.ReadRules().Where(rule => rule.Record is not null).ToLookup(rule => rule.Record!, rule => NamesOf(rule.Expr).ToList());
        var alerts = RuleFile.ReadAlerts().Select(alert => (Name: alert.Alert!, Uses: Expand(NamesOf(alert.Expr), recorded))).ToList();
        var panels = DashboardFiles
            .ReadQueries()
            .GroupBy(query => query.Dashboard)
            .Select(group => (DashboardFiles.TitleOf(group.Key), Names: group.SelectMany(query => Expand(NamesOf(query.Expression), recorded)).ToHashSet()))
            .ToList();

        Assert.All(
            ReadPage(),
            row =>
            {
                var users = alerts
                    .Where(alert => Uses(alert.Uses, row.Metric))
                    .Select(alert => alert.Name)
                    .Order(StringComparer.Ordinal)
                    .Select(name => $"`{name}`");
                var readers = panels.Where(panel => Uses(panel.Names, row.Metric)).Select(panel => $"panel in {panel.Item1}").Order(StringComparer.Ordinal);
                Assert.Equal($"{row.Metric}: {string.Join(", ", [.. users, .. readers]) switch { "" => "–", var all => all }}", $"{row.Metric}: {row.UsedBy}");
            }
        );

        static bool Uses(HashSet<string> names, string metric) => names.Any(name => name == metric || WithoutSuffix(name) == metric);
    }

    private static IEnumerable<(string Metric, string UsedBy)> ReadPage() =>
        File.ReadAllLines(SourceTree.PathOf("docs", "metrics.md"))
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => Cell().Split(line))
            .Where(cells => cells.Length == 7)
            .Select(cells => (cells[1].Trim().Trim('`'), cells[5].Trim()));

    // With what the recorded series are made of.
    private static HashSet<string> Expand(IEnumerable<string> names, ILookup<string, List<string>> recorded)
    {
        var all = new HashSet<string>();
        var next = new Queue<string>(names);
        while (next.TryDequeue(out var name))
        {
            if (!all.Add(name))
                continue;
            foreach (var used in recorded[name].SelectMany(list => list))
                next.Enqueue(used);
        }

        return all;
    }

    private static IEnumerable<string> NamesOf(string expression) =>
        Name().Matches(Text().Replace(expression, "")).Select(match => match.Value).Where(name => !Words.Contains(name));

    private static string WithoutSuffix(string name) => Suffix().Replace(name, "");

    [GeneratedRegex("\"[^\"]*\"")]
    private static partial Regex Text();

    [GeneratedRegex("(?<![a-zA-Z0-9_:])[a-zA-Z_:][a-zA-Z0-9_:]*")]
    private static partial Regex Name();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex Suffix();

    [GeneratedRegex(@"(?<!\\)\|")]
    private static partial Regex Cell();
}
