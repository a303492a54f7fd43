using UrlShortener.Load;
using UrlShortener.Load.OpenModel;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Load;

/// <summary>The soak of the specification in a minute, at a low rate. <c>make soak</c> runs it for longer.</summary>
public sealed class SoakTests
{
    private const double Seconds = 60;
    private const double PerSecond = 50;

    [Fact]
    public async Task Soak_AMinuteOfMixedLoad_NothingGrowsAndAllIsAnswered()
    {
        // On a machine whose cores are all busy a pause of seconds is no fault of the product: enough may be in flight meanwhile.
        var soak = Scenario.All.Single(scenario => scenario.IsSoak) with
        {
            MaxInFlight = 100_000,
        };
        var options = new ScenarioOptions(
            Seconds / soak.Schedule.Duration.TotalSeconds,
            PerSecond / soak.Schedule.MeanRate,
            Requests.CreatesInScenarios,
            Links: 200,
            WithServers: false,
            WithFloor: false,
            BuiltPrograms.Runtime
        );
        using var workspace = new Workspace();

        ScenarioReport? report = null;
        await foreach (
            var one in new ScenarioRun(options, TestContext.Current.SendDiagnosticMessage).RunAsync(workspace, [soak], TestContext.Current.CancellationToken)
        )
            report = one;

        // How fast the answers came depends on what else the machine does.
        Assert.NotNull(report);
        Assert.True(report.Flat.Count > 0 && report.Flat.All(flat => flat.IsFlat), report.ToMarkdown());
        Assert.True(report.Load.Result is { Dropped: 0, Errors: 0 } && report.Clicks.Dropped == 0, report.ToMarkdown());
        Assert.Equal(report.Load.Result.Offered, report.Load.Result.Answered);
    }
}
