using System.Text.Json;
using UrlShortener.TestHarness.Monitoring;
using Xunit;

namespace UrlShortener.Monitoring.Tests;

/// <summary>Grafana takes a dashboard whose panels share an identifier or a place, and shows some of them only.</summary>
public sealed class DashboardTests
{
    public static TheoryData<string> Names => [.. DashboardFiles.Paths.Select(path => Path.GetFileNameWithoutExtension(path))];

    [Theory]
    [MemberData(nameof(Names))]
    public void Panels_HaveIdentifiersAndPlacesOfTheirOwn(string name)
    {
        using var file = JsonDocument.Parse(File.ReadAllText(DashboardFiles.Paths.Single(path => Path.GetFileNameWithoutExtension(path) == name)));
        var panels = file.RootElement.GetProperty("panels").EnumerateArray().ToList();

        Assert.NotEmpty(panels);
        Assert.Distinct(panels.Select(panel => panel.GetProperty("id").GetInt32()));
        Assert.Distinct(panels.SelectMany(panel => CellsOf(panel.GetProperty("gridPos"))));
    }

    private static IEnumerable<(int X, int Y)> CellsOf(JsonElement place)
    {
        return from x in Enumerable.Range(Of("x"), Of("w")) from y in Enumerable.Range(Of("y"), Of("h")) select (x, y);

        int Of(string name) => place.GetProperty(name).GetInt32();
    }
}
