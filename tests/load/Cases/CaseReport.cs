using System.Globalization;
using System.Text;

namespace UrlShortener.Load.Cases;

/// <summary>Everything a case found. Of its figures some are told as <paramref name="Comparisons"/> with a floor, the rest as
/// <paramref name="Tables"/>.</summary>
internal sealed record CaseReport(
    string Title,
    string About,
    string Unit,
    IReadOnlyList<Comparison> Comparisons,
    IReadOnlyList<CaseTable> Tables,
    IReadOnlyList<Target> Targets
)
{
    /// <summary>Answers that were not what was asked for, and socket errors, of product and floor.</summary>
    public long Errors => Comparisons.SelectMany(comparison => comparison.Rounds).Sum(round => round.Errors) + OtherErrors;

    /// <summary>Those of measurements that are in no comparison.</summary>
    public long OtherErrors { get; init; }

    public string ToMarkdown()
    {
        var text = new StringBuilder().AppendLine(CultureInfo.InvariantCulture, $"# {Title}\n\n{About}");
        foreach (var comparison in Comparisons)
            Markdown.AppendRounds(text, comparison, Unit, comparison.Rounds.Any(round => round.DrainSeconds > 0));
        foreach (var table in Tables)
            table.AppendTo(text);
        text.AppendLine(CultureInfo.InvariantCulture, $"\nErrors: {Errors:N0}.");
        Markdown.AppendTargets(text, Targets);
        return text.ToString();
    }
}

/// <summary>A table of figures. The first column is text, the others are numbers.</summary>
internal sealed record CaseTable(string Title, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows)
{
    public void AppendTo(StringBuilder text)
    {
        text.AppendLine(CultureInfo.InvariantCulture, $"\n## {Title}\n");
        AppendRow(text, Columns);
        text.AppendLine("|---|" + string.Concat(Columns.Skip(1).Select(_ => "---:|")));
        foreach (var row in Rows)
            AppendRow(text, row);
    }

    /// <summary>A figure as text that reads the same everywhere.</summary>
    public static string Cell(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static void AppendRow(StringBuilder text, IEnumerable<string> cells) => text.Append("| ").AppendJoin(" | ", cells).AppendLine(" |");
}
