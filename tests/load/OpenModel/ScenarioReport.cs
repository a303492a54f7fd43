using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;
using UrlShortener.Load.Cases;
using UrlShortener.Load.Soak;

namespace UrlShortener.Load.OpenModel;

/// <summary>A load, and the processor time that the server took for it. <paramref name="CpuBefore"/> is what it had taken before.</summary>
internal sealed record MeasuredLoad(OpenModelResult Result, [property: JsonIgnore] TimeSpan CpuBefore, double CpuSeconds)
{
    /// <summary>Processor time of the server per answer.</summary>
    public double CpuMicroseconds => CpuSeconds * 1e6 / Math.Max(1, Result.Answered);
}

/// <summary>What a scenario found.</summary>
/// <param name="Scenario">The scenario, as it was scaled.</param>
/// <param name="Machine">What it ran on.</param>
/// <param name="WithServers">On PostgreSQL and Redis instead of SQLite.</param>
/// <param name="Load">The product.</param>
/// <param name="Floor">A bare endpoint under the same load; null when it was left out.</param>
/// <param name="Clicks">Of the process, since its start.</param>
/// <param name="Samples">What the process held.</param>
/// <param name="Flat">Whether that stayed as it was; empty unless the scenario is a soak.</param>
internal sealed record ScenarioReport(
    Scenario Scenario,
    Machine Machine,
    bool WithServers,
    MeasuredLoad Load,
    MeasuredLoad? Floor,
    ClickCounters Clicks,
    [property: JsonIgnore] IReadOnlyList<ResourceSample> Samples,
    IReadOnlyList<Flatness> Flat
)
{
    /// <summary>Everything that must hold. A run with one that does not hold has failed.</summary>
    public IReadOnlyList<Target> Verdicts =>
        [
            .. OpenModelVerdict.Judge(Load.Result, Threshold.OfSpecification),
            .. Floor is null
                ? Enumerable.Empty<Target>()
                : OpenModelVerdict.Judge(Floor.Result, []).Select(target => target with { Name = "Floor: " + target.Name }),
            Target.AtMost("Clicks dropped", Clicks.Dropped, 0, ""),
            .. Flat.Select(flat => new Target(
                flat.Name + " grows by",
                flat.Growth is { } growth ? Text($"{growth:0.0} ± {flat.Error:0.0} {flat.Unit}").Trim() : "no samples",
                Text($"<= {flat.Bound:0.#} {flat.Unit}").Trim(),
                flat.IsFlat
            )),
        ];

    /// <summary>How many do not hold.</summary>
    [JsonIgnore]
    public int Failures => Verdicts.Count(verdict => !verdict.Met);

    /// <summary>The report as text.</summary>
    public string ToMarkdown()
    {
        var (result, schedule) = (Load.Result, Scenario.Schedule);
        var text = new StringBuilder(Text($"# {Scenario.Name}, on {(WithServers ? "PostgreSQL and Redis" : "SQLite")}\n\n")).Append(Markdown.Describe(Machine));
        text.AppendLine(
            Text($"{schedule.Count:N0} requests in {schedule.Duration.TotalSeconds:N0} s, at most {Scenario.MaxInFlight:N0} in flight. ")
                + "Latencies count from the moment at which a request was to be sent."
        );
        Rates().AppendTo(text);
        Latencies().AppendTo(text);
        if (result.Stages.Count > 1)
            Stages().AppendTo(text);
        text.AppendLine(
            Text($"\nThe generator took {result.GeneratorCores:0.00} of {Machine.Cores} cores and sent requests late by ")
                + Text($"{result.SendDelay.P50:0.00} ms (p50), {result.SendDelay.P99:0.00} ms (p99), {result.SendDelay.Most:0.0} ms at most; ")
                + Text($"{result.MostInFlight:N0} were in flight at most.")
        );
        text.AppendLine(Text($"Clicks of the process: {Clicks.Redirects:N0} redirects, {Clicks.Stored:N0} stored, {Clicks.Dropped:N0} dropped."));
        Markdown.AppendTargets(text, Verdicts);
        return text.ToString();
    }

    private CaseTable Rates() =>
        new(
            "Rates",
            ["", "Offered /s", "Achieved /s", "Dropped", "Errors", "Server CPU per answer, µs"],
            [
                .. Rows(
                    (name, load) =>
                        [
                            name,
                            Cell($"{load.Result.OfferedPerSecond:N1}"),
                            Cell($"{load.Result.AchievedPerSecond:N1}"),
                            Cell($"{load.Result.Dropped:N0}"),
                            Cell($"{load.Result.Errors:N0}"),
                            Cell($"{load.CpuMicroseconds:N0}"),
                        ]
                ),
            ]
        );

    private CaseTable Latencies()
    {
        var rows = Load.Result.Operations.Select(operation => Row("Product, " + operation.Name, operation.Latency)).ToList();
        if (Floor?.Result.Operations[0].Latency is { } floor)
        {
            rows.Add(Row("Floor, redirect", floor));
            var redirect = Load.Result.Operations.First(operation => operation.Name == Requests.Redirect).Latency;
            rows.Add(["Ratio, redirect", "", Ratio(redirect.P50, floor.P50), Ratio(redirect.P95, floor.P95), Ratio(redirect.P99, floor.P99), ""]);
        }

        return new CaseTable("Latency, ms", ["", "Right answers", "p50", "p95", "p99", "Most"], rows);
    }

    private CaseTable Stages() =>
        new(
            "Stages, ms",
            ["Stage", "Seconds", "To /s", "Offered", "Right answers", "p50", "p95", "p99", "Most"],
            [
                .. Load.Result.Stages.Select(stage =>
                    (IReadOnlyList<string>)
                        [
                            Cell($"{stage.Number}"),
                            Cell($"{stage.Seconds:0.#}"),
                            Cell($"{stage.Target:N0}"),
                            Cell($"{stage.Offered:N0}"),
                            .. Row("", stage.Latency).Skip(1),
                        ]
                ),
            ]
        );

    private IEnumerable<IReadOnlyList<string>> Rows(Func<string, MeasuredLoad, IReadOnlyList<string>> row)
    {
        yield return row("Product", Load);
        if (Floor is not null)
            yield return row("Floor", Floor);
    }

    private static IReadOnlyList<string> Row(string name, LatencySummary latency) =>
        [name, Cell($"{latency.Count:N0}"), Cell($"{latency.P50:0.00}"), Cell($"{latency.P95:0.00}"), Cell($"{latency.P99:0.00}"), Cell($"{latency.Most:0.0}")];

    private static string Ratio(double product, double floor) => floor > 0 ? Cell($"{product / floor:0.00}") : "";

    private static string Cell(FormattableString text) => CaseTable.Cell(text);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
