using System.Xml.Linq;
using UrlShortener.Load.Dashboards;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Load;

/// <summary>The picture of the service dashboard, and the one in the documentation.</summary>
public sealed class DashboardPictureTests
{
    private static IReadOnlyList<DashboardPanel> Panels =>
        DashboardPanel.Read(File.ReadAllText(SourceTree.PathOf("config", "monitoring", "dashboards", "service.json")), DashboardRun.LastRow);

    [Fact]
    public void Draw_SeriesOfEachPanel_IsADocumentWithAllTitlesAndNamesThatHoldOnce()
    {
        var panels = Panels;
        var labels = new Dictionary<string, string>
        {
            ["region"] = "eu & west",
            ["operation"] = "followLink",
            ["tier"] = "memory",
        };
        var series = new PrometheusSeries(labels, [.. Enumerable.Range(0, 30).Select(i => (1_000.0 + 10 * i, i / 30.0))]);

        var picture = XDocument.Parse(
            DashboardPicture.Draw(
                [.. panels.Select(panel => new DrawnPanel(panel, [.. panel.Targets.Select(target => (target, (IReadOnlyList<PrometheusSeries>)[series]))]))],
                1_000,
                5
            )
        );

        var texts = TextsOf(picture);
        Assert.All(panels, panel => Assert.Contains(panel.Title, texts));
        Assert.Contains("eu & west p", texts);
        var ids = picture.Descendants().Attributes("id").Select(id => id.Value).ToList();
        Assert.Equal(ids.Distinct().Count(), ids.Count);
        Assert.Equal(panels.Count(panel => panel.Type == "timeseries"), picture.Root!.Descendants().Count(element => element.Name.LocalName == "svg"));
    }

    [Fact]
    public void Draw_NoSeriesAtAll_SaysSo()
    {
        var picture = XDocument.Parse(DashboardPicture.Draw([.. Panels.Select(panel => new DrawnPanel(panel, []))], 0, 5));

        Assert.Contains("no data", TextsOf(picture));
    }

    [Fact]
    public void Documentation_Picture_HasThePanelsOfTheDashboard()
    {
        var texts = TextsOf(XDocument.Load(SourceTree.PathOf("docs", "service-dashboard.svg")));

        // Once it differs: make dashboard.
        Assert.All(Panels, panel => Assert.Contains(panel.Title, texts));
    }

    private static HashSet<string> TextsOf(XDocument picture) =>
        [.. picture.Descendants().Where(element => element.Name.LocalName == "text").Select(element => element.Value)];
}
