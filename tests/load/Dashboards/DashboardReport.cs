using System.Globalization;
using UrlShortener.Load.OpenModel;

namespace UrlShortener.Load.Dashboards;

/// <summary>What was drawn. <paramref name="Empty"/> names the panels without a series.</summary>
internal sealed record DashboardReport(Machine Machine, Scenario Scenario, OpenModelResult Result, IReadOnlyList<string> Empty)
{
    /// <summary>Errors of the load.</summary>
    public long Errors => Result.Errors + Result.Dropped;

    /// <summary>The report as text.</summary>
    public string ToMarkdown() =>
        Markdown.Describe(Machine)
        + string.Create(
            CultureInfo.InvariantCulture,
            $"{Scenario.Name}: {Result.Offered:N0} requests in {Result.ScheduleSeconds:N0} s, from {Scenario.Schedule.StartRate:N0} to "
                + $"{Scenario.Schedule.Stages.Max(stage => stage.Target):N0} a second; {Result.Dropped:N0} dropped, {Result.Errors:N0} errors.\n"
                + $"Panels without a series: {(Empty.Count == 0 ? "none" : string.Join(", ", Empty))}.\n"
        );
}
