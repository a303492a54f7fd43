using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace UrlShortener.Runtime.Tests.Clicks.Events;

/// <summary>The script and the manifests in <c>config/analytics/kafka</c> make the same topics.</summary>
public sealed partial class TopicFilesTests
{
    private const long DayMilliseconds = 86_400_000;

    [Fact]
    public void Manifests_OfTheTopics_SayWhatTheScriptDoes()
    {
        var script = File.ReadAllText(SourceTree.PathOf("config", "analytics", "kafka", "create-topics.sh"));
        var topics = File.ReadAllText(SourceTree.PathOf("config", "analytics", "kafka", "kafkatopics.yaml")).Split("---");
        var days = long.Parse(DefaultOf(script, "RETENTION_DAYS"), CultureInfo.InvariantCulture);

        Assert.Equal(5, topics.Length);
        AssertTopic(script, topics[0], DefaultOf(script, "2"), DefaultOf(script, "PARTITIONS"), days);
        AssertTopic(script, topics[1], DefaultOf(script, "2") + ".dead-letters", "3", 4 * days);
        AssertTopic(script, topics[2], DefaultOf(script, "2") + ".minutes", DefaultOf(script, "PARTITIONS"), days);
        AssertTopic(script, topics[3], DefaultOf(script, "2") + ".trends", "3", days);
        AssertTopic(script, topics[4], DefaultOf(script, "2") + ".floods", "3", days);
    }

    private static void AssertTopic(string script, string manifest, string name, string partitions, long days)
    {
        var values = Line().Matches(manifest).ToLookup(line => line.Groups[1].Value, line => line.Groups[2].Value);
        Assert.Equal(name, Assert.Single(values["name"]));
        Assert.Equal(partitions, Assert.Single(values["partitions"]));
        Assert.Equal(DefaultOf(script, "REPLICAS"), Assert.Single(values["replicas"]));
        Assert.Equal(DefaultOf(script, "IN_SYNC"), Assert.Single(values["min.insync.replicas"]));
        Assert.Equal((days * DayMilliseconds).ToString(CultureInfo.InvariantCulture), Assert.Single(values["retention.ms"]));
        foreach (var option in PlainOption().Matches(script).Cast<Match>())
            Assert.Equal(option.Groups[2].Value, Assert.Single(values[option.Groups[1].Value]));
        Assert.Equal(5, Option().Count(script));
    }

    private static string DefaultOf(string script, string variable) => Regex.Match(script, $@"\$\{{{variable}:-([^}}]+)\}}").Groups[1].Value;

    [GeneratedRegex(@"^ *([a-zA-Z.]+): (\S+)$", RegexOptions.Multiline)]
    private static partial Regex Line();

    [GeneratedRegex("--config [a-z.]+=")]
    private static partial Regex Option();

    [GeneratedRegex("--config ([a-z.]+)=([a-z]+)")]
    private static partial Regex PlainOption();
}
