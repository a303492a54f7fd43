using System.Text.Json;
using System.Text.RegularExpressions;

namespace UrlShortener.TestHarness.Monitoring;

/// <summary>A query of a panel.</summary>
/// <param name="Dashboard">Name of the dashboard's file.</param>
/// <param name="Panel">Title of the panel.</param>
/// <param name="Expression">The expression, with the dashboard's variables.</param>
internal sealed partial record PanelQuery(string Dashboard, string Panel, string Expression)
{
    /// <summary>The expression for all namespaces and regions.</summary>
    public string ForAll => Variable().Replace(Expression, ".*");

    /// <summary>Whether the operator has the series that it asks for.</summary>
    public bool IsOfOperator => OperatorSeries().IsMatch(Expression) || Dashboard == "operator";

    /// <summary>Whether only a region has the series whose PostgreSQL or Redis the operator runs.</summary>
    public bool IsOfStores => StoreSeries().IsMatch(Expression);

    /// <inheritdoc />
    public override string ToString() => $"{Dashboard} / {Panel}: {Expression}";

    [GeneratedRegex(@"\$(namespace|region)")]
    private static partial Regex Variable();

    [GeneratedRegex("shortener_(redis|postgres_(cluster|standby|backup|rehearsal)|region_(epoch|phase|voters|failover|move|cluster|loaders)|traffic)_?")]
    private static partial Regex StoreSeries();

    [GeneratedRegex(@"\bobject:|shortener_keypool_|shortener_region_|shortener_traffic_")]
    private static partial Regex OperatorSeries();
}

/// <summary>The dashboards of <c>config/monitoring</c>.</summary>
internal static class DashboardFiles
{
    /// <summary>Their files.</summary>
    public static IReadOnlyList<string> Paths =>
        [.. Directory.GetFiles(SourceTree.PathOf("config", "monitoring", "dashboards"), "*.json").Order(StringComparer.Ordinal)];

    /// <summary>Title of a dashboard, without the name of the product.</summary>
    public static string TitleOf(string name)
    {
        using var file = JsonDocument.Parse(File.ReadAllText(Paths.Single(path => Path.GetFileNameWithoutExtension(path) == name)));
        return file.RootElement.GetProperty("title").GetString()!.Split(" / ")[1];
    }

    /// <summary>All queries of all panels.</summary>
    public static IReadOnlyList<PanelQuery> ReadQueries() => [.. Paths.SelectMany(Read)];

    private static IEnumerable<PanelQuery> Read(string path)
    {
        using var file = JsonDocument.Parse(File.ReadAllText(path));
        return
        [
            .. file
                .RootElement.GetProperty("panels")
                .EnumerateArray()
                .Where(panel => panel.TryGetProperty("targets", out _))
                .SelectMany(panel =>
                    panel
                        .GetProperty("targets")
                        .EnumerateArray()
                        .Select(target => new PanelQuery(
                            Path.GetFileNameWithoutExtension(path),
                            panel.GetProperty("title").GetString()!,
                            target.GetProperty("expr").GetString()!
                        ))
                ),
        ];
    }
}
