using System.Text.RegularExpressions;
using Xunit;

namespace UrlShortener.TestHarness.Metrics;

/// <summary>A label as docs/metrics.md has it.</summary>
/// <param name="Values">Its values; empty: those of a kind.</param>
/// <param name="Kind">The kind, such as a status; null: the values are listed.</param>
/// <param name="IsLater">Whether the values appear only with an event.</param>
internal sealed record DocumentedLabel(IReadOnlyList<string> Values, string? Kind, bool IsLater);

/// <summary>A row of docs/metrics.md.</summary>
/// <param name="Section">Heading above it.</param>
/// <param name="Name">The metric.</param>
/// <param name="Type">Its type.</param>
/// <param name="Labels">Its labels.</param>
internal sealed record DocumentedMetric(string Section, string Name, string Type, IReadOnlyDictionary<string, DocumentedLabel> Labels);

/// <summary>docs/metrics.md, to be compared with what processes expose.</summary>
internal sealed partial class MetricsPage
{
    // Scrapes of pods overwrite these, and rename those of the process.
    private static readonly string[] Overwritten = ["job", "instance", "namespace", "pod", "container", "endpoint", "service", "node"];

    private static readonly Dictionary<string, Regex> Kinds = new()
    {
        ["status"] = Status(),
        ["number"] = Number(),
        ["version"] = Version(),
        ["commit"] = Version(),
        ["method"] = Method(),
        ["kind"] = Kind(),
        ["name"] = DnsLabel(),
    };

    private readonly List<DocumentedMetric> _rows = [];

    // What was seen of each documented value, by section, metric, label and value.
    private readonly HashSet<(string Section, string Metric, string Label, string Value)> _seen = [];

    /// <summary>Reads the page.</summary>
    public MetricsPage()
    {
        var section = "";
        foreach (var line in File.ReadLines(SourceTree.PathOf("docs", "metrics.md")))
        {
            if (line.StartsWith("## ", StringComparison.Ordinal))
                section = line[3..];
            if (Row().Match(line) is { Success: true } row)
                _rows.Add(new DocumentedMetric(section, row.Groups["name"].Value, row.Groups["type"].Value, ParseLabels(row.Groups["labels"].Value)));
        }
    }

    /// <summary>The metrics of a section.</summary>
    public IEnumerable<string> NamesOf(string section) => _rows.Where(row => row.Section == section).Select(row => row.Name);

    /// <summary>Fails unless a process exposes exactly what the sections say.</summary>
    /// <param name="text">What the process exposes.</param>
    /// <param name="region">The region that is on every series; null: on none.</param>
    /// <param name="sections">Sections that apply to the process.</param>
    public void Check(string text, string? region, params string[] sections)
    {
        var documented = _rows.Where(row => sections.Contains(row.Section)).ToDictionary(row => row.Name);
        var exposed = ExposedMetric.Parse(text).ToDictionary(metric => metric.Name);
        Assert.All(sections, section => Assert.Contains(_rows, row => row.Section == section));
        Assert.Equal(
            documented.Values.Select(row => $"{row.Name} {row.Type}").Order(StringComparer.Ordinal),
            exposed.Values.Select(metric => $"{metric.Name} {metric.Type}").Order(StringComparer.Ordinal)
        );
        foreach (var metric in exposed.Values)
        {
            foreach (var series in metric.Series)
                Check(documented[metric.Name], series, region);
        }
    }

    /// <summary>Fails unless the processes that were checked exposed every listed value.</summary>
    public void CheckValues(params string[] sections) =>
        Assert.Empty(
            from row in _rows
            where sections.Contains(row.Section)
            from label in row.Labels
            where !label.Value.IsLater
            from value in label.Value.Values
            where !_seen.Contains((row.Section, row.Name, label.Key, value))
            select $"No process exposed {row.Name}{{{label.Key}=\"{value}\"}} at its start."
        );

    private void Check(DocumentedMetric row, IReadOnlyDictionary<string, string> series, string? region)
    {
        string[] labels = region is null || row.Labels.ContainsKey("region") ? [.. row.Labels.Keys] : [.. row.Labels.Keys, "region"];
        Assert.True(
            labels.Order(StringComparer.Ordinal).SequenceEqual(series.Keys.Order(StringComparer.Ordinal)),
            $"{row.Name} has the labels {string.Join(", ", series.Keys)}, and on the page {string.Join(", ", labels)}."
        );
        Assert.Empty(series.Keys.Intersect(Overwritten));
        if (region is not null)
            Assert.Equal(region, series["region"]);
        foreach (var (name, label) in row.Labels)
        {
            var value = series[name];
            var isKnown = label.Kind is null ? label.Values.Contains(value) : Kinds[label.Kind].IsMatch(value);
            Assert.True(isKnown, $"{row.Name} has {name}=\"{value}\", which the page does not list.");
            _seen.Add((row.Section, row.Name, name, value));
        }
    }

    private static Dictionary<string, DocumentedLabel> ParseLabels(string cell)
    {
        var labels = new Dictionary<string, DocumentedLabel>();
        foreach (var part in cell.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var label = Label().Match(part);
            Assert.True(label.Success, $"docs/metrics.md: cannot read the label \"{part}\".");
            labels.Add(
                label.Groups["name"].Value,
                new DocumentedLabel(
                    [.. label.Groups["value"].Captures.Select(value => value.Value)],
                    label.Groups["kind"] is { Success: true } kind ? kind.Value : null,
                    label.Groups["later"].Success
                )
            );
        }

        return labels;
    }

    [GeneratedRegex(@"^\| `(?<name>[a-z_]+)` \| (?<type>counter|gauge|histogram) \| [^|]+ \| (?<labels>[^|]*)\| [^|]+ \|$")]
    private static partial Regex Row();

    [GeneratedRegex(@"^`(?<name>[a-z_]+)`: ((`(?<value>[^`]+)`(, )?)+|\*(?<kind>[a-z]+)\*)(?<later> \(\*later\*\))?$")]
    private static partial Regex Label();

    [GeneratedRegex("^([1-5][0-9][0-9]|<error>)$")]
    private static partial Regex Status();

    [GeneratedRegex("^[0-9]{1,3}$")]
    private static partial Regex Number();

    [GeneratedRegex("^[0-9A-Za-z.-]+$")]
    private static partial Regex Version();

    [GeneratedRegex("^(GET|POST|PUT|PATCH|DELETE)$")]
    private static partial Regex Method();

    [GeneratedRegex("^[A-Z][A-Za-z]+$")]
    private static partial Regex Kind();

    [GeneratedRegex("^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")]
    private static partial Regex DnsLabel();
}
