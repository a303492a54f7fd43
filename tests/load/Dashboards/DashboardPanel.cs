using System.Text.Json;

namespace UrlShortener.Load.Dashboards;

/// <summary>A query of a panel, and how its series are named.</summary>
internal sealed record PanelTarget(string Expression, string Legend);

/// <summary>A panel of a dashboard of Grafana. Its place is in units of a grid that is 24 wide.</summary>
internal sealed record DashboardPanel(
    string Type,
    string Title,
    string Unit,
    int X,
    int Y,
    int Width,
    int Height,
    IReadOnlyList<double> Limits,
    IReadOnlyList<PanelTarget> Targets
)
{
    /// <summary>A heading.</summary>
    public bool IsRow => Type == "row";

    /// <summary>The panels of a dashboard's file, in order, before the row named <paramref name="end"/>. The variables of the queries stand for
    /// everything.</summary>
    public static IReadOnlyList<DashboardPanel> Read(string json, string end)
    {
        using var file = JsonDocument.Parse(json);
        return [.. file.RootElement.GetProperty("panels").EnumerateArray().Select(Read).TakeWhile(panel => !panel.IsRow || panel.Title != end)];
    }

    private static DashboardPanel Read(JsonElement panel)
    {
        var place = panel.GetProperty("gridPos");
        var defaults = panel.TryGetProperty("fieldConfig", out var config) ? config.GetProperty("defaults") : default;
        return new DashboardPanel(
            panel.GetProperty("type").GetString()!,
            panel.GetProperty("title").GetString()!,
            defaults.ValueKind == JsonValueKind.Object && defaults.TryGetProperty("unit", out var unit) ? unit.GetString()! : "none",
            place.GetProperty("x").GetInt32(),
            place.GetProperty("y").GetInt32(),
            place.GetProperty("w").GetInt32(),
            place.GetProperty("h").GetInt32(),
            defaults.ValueKind == JsonValueKind.Object && defaults.TryGetProperty("thresholds", out var thresholds)
                ?
                [
                    .. thresholds
                        .GetProperty("steps")
                        .EnumerateArray()
                        .Select(step => step.GetProperty("value"))
                        .Where(value => value.ValueKind == JsonValueKind.Number)
                        .Select(value => value.GetDouble()),
                ]
                : [],
            panel.TryGetProperty("targets", out var targets)
                ?
                [
                    .. targets
                        .EnumerateArray()
                        .Select(target => new PanelTarget(
                            target
                                .GetProperty("expr")
                                .GetString()!
                                .Replace("$namespace", ".*", StringComparison.Ordinal)
                                .Replace("$region", ".*", StringComparison.Ordinal),
                            target.GetProperty("legendFormat").GetString()!
                        )),
                ]
                : []
        );
    }
}
