using System.Globalization;
using System.Text.RegularExpressions;
using UrlShortener.Load.OpenModel;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Load;

/// <summary>The scenarios of the specification, and the scripts of k6 that hold the same.</summary>
public sealed partial class ScenarioTests
{
    [Theory]
    [InlineData("constant_load", "constant-load.js", 10_000, 1_800)]
    [InlineData("soak_test", "soak.js", 5_000, 14_400)]
    public void All_ConstantRate_AsInTheScriptOfK6(string name, string script, int rate, int seconds)
    {
        var (scenario, defaults) = (Find(name), ReadDefaults(script));

        Assert.Equal((rate, TimeSpan.FromSeconds(seconds)), (scenario.Schedule.MeanRate, scenario.Schedule.Duration));
        Assert.Equal(defaults["RATE"], rate);
        Assert.Equal(defaults["DURATION"], seconds);
        Assert.Equal(defaults["MAX_VUS"], scenario.MaxInFlight);
    }

    [Fact]
    public void All_Spike_AsInTheScriptOfK6()
    {
        var (scenario, defaults) = (Find("spike_test"), ReadDefaults("spike.js"));

        Assert.Equal(
            [defaults["BEFORE"], defaults["RAMP"], defaults["HOLD"], defaults["RAMP"]],
            scenario.Schedule.Stages.Select(stage => stage.Duration.TotalSeconds)
        );
        Assert.Equal([1_000, 50_000, 50_000, 1_000], scenario.Schedule.Stages.Select(stage => stage.Target));
        Assert.Equal((defaults["RATE"], defaults["MAX_VUS"]), (scenario.Schedule.StartRate, scenario.MaxInFlight));
    }

    [Fact]
    public void Scale_TwentiethOfTheTimeAndHundredthOfTheRate_RunsHere()
    {
        var scaled = Find("spike_test").Scale(0.05, 0.01);

        Assert.Equal([15, 3, 15, 3], scaled.Schedule.Stages.Select(stage => stage.Duration.TotalSeconds));
        Assert.Equal([10, 500, 500, 10], scaled.Schedule.Stages.Select(stage => stage.Target));
        Assert.Equal(100, scaled.MaxInFlight);
    }

    private static Scenario Find(string name) => Scenario.All.Single(scenario => scenario.Name == name);

    /// <summary>The defaults of a script's variables; times in seconds.</summary>
    private static Dictionary<string, double> ReadDefaults(string script) =>
        Default()
            .Matches(File.ReadAllText(SourceTree.PathOf("tests", "load", "k6", script)))
            .DistinctBy(match => match.Groups[1].Value)
            .ToDictionary(
                match => match.Groups[1].Value,
                match =>
                    double.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture)
                    * match.Groups[3].Value switch
                    {
                        "m" => 60,
                        "h" => 3_600,
                        _ => 1,
                    }
            );

    [GeneratedRegex("""__ENV\.([A-Z_]+) \|\| "?(\d+)([mh]?)""")]
    private static partial Regex Default();
}
