using System.Text.RegularExpressions;

namespace UrlShortener.TestHarness.Metrics;

/// <summary>A metric in Prometheus' text format.</summary>
/// <param name="Name">Its name, without the suffixes of a histogram.</param>
/// <param name="Type">Its type.</param>
/// <param name="Series">Labels of each series, without <c>le</c>.</param>
internal sealed partial record ExposedMetric(string Name, string Type, IReadOnlyList<IReadOnlyDictionary<string, string>> Series)
{
    private static readonly string[] Suffixes = ["_bucket", "_sum", "_count"];

    /// <summary>Reads all metrics.</summary>
    public static IEnumerable<ExposedMetric> Parse(string text)
    {
        var metrics = new Dictionary<string, (string Type, List<IReadOnlyDictionary<string, string>> Series)>();
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (TypeLine().Match(line) is { Success: true } type)
                metrics.Add(type.Groups["name"].Value, (type.Groups["type"].Value, []));
            else if (!line.StartsWith('#') && SampleLine().Match(line) is { Success: true } sample)
                metrics[NameOf(sample.Groups["name"].Value, metrics.ContainsKey)]
                    .Series.Add(
                        Label()
                            .Matches(sample.Groups["labels"].Value)
                            .Where(label => label.Groups["name"].Value != "le")
                            .ToDictionary(label => label.Groups["name"].Value, label => label.Groups["value"].Value)
                    );
        }

        return metrics.Select(metric => new ExposedMetric(metric.Key, metric.Value.Type, metric.Value.Series));
    }

    private static string NameOf(string sample, Func<string, bool> isKnown) =>
        isKnown(sample) ? sample : sample[..^Suffixes.First(suffix => sample.EndsWith(suffix, StringComparison.Ordinal)).Length];

    [GeneratedRegex("^# TYPE (?<name>[a-z_]+) (?<type>[a-z]+)$")]
    private static partial Regex TypeLine();

    [GeneratedRegex(@"^(?<name>[a-z_]+)(\{(?<labels>.*)\})? [^ ]+$")]
    private static partial Regex SampleLine();

    [GeneratedRegex("(?<name>[a-z_]+)=\"(?<value>[^\"]*)\"")]
    private static partial Regex Label();
}
