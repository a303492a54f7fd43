using System.Globalization;
using System.Text;

namespace UrlShortener.Load;

/// <summary>Redirects alone, beside requests for one picture, and beside requests for pictures that all differ.</summary>
internal sealed record PicturesRound(
    Measurement Alone,
    Measurement BesideSame,
    Measurement SamePictures,
    Measurement BesideDifferent,
    Measurement DifferentPictures
)
{
    public double SameRatio => BesideSame.RequestsPerSecond / Alone.RequestsPerSecond;

    public double DifferentRatio => BesideDifferent.RequestsPerSecond / Alone.RequestsPerSecond;
}

/// <summary>Everything a run of pictures found.</summary>
internal sealed record PicturesReport
{
    private const double LeastRatio = 0.5;
    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    public required Machine Machine { get; init; }

    public required LoadProfile Load { get; init; }

    public required IReadOnlyList<PicturesRound> Rounds { get; init; }

    public required long ResidentBytes { get; init; }

    /// <summary>Redirects and pictures in memory that were not answered.</summary>
    public required long Errors { get; init; }

    public string ToMarkdown()
    {
        var text = new StringBuilder("# Redirects beside QR codes of 2,048 pixels\n\n").Append(Markdown.Describe(Machine));
        text.AppendLine(Invariant, $"{Markdown.Describe(Load)}; QR codes: {PicturesOptions.PictureConnections} connections.\n");
        text.AppendLine(
            "| Redirects/s alone | beside one picture | Ratio | that picture/s | beside different pictures | Ratio | answers/s to those | of them 503 "
                + "| Redirects p99 ms, in this order |"
        );
        text.AppendLine("|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var round in Rounds)
        {
            text.AppendLine(
                Invariant,
                $"| {round.Alone.RequestsPerSecond:N0} | {round.BesideSame.RequestsPerSecond:N0} | {round.SameRatio:0.00} | "
                    + $"{round.SamePictures.RequestsPerSecond:N0} "
                    + $"| {round.BesideDifferent.RequestsPerSecond:N0} | {round.DifferentRatio:0.00} | {round.DifferentPictures.RequestsPerSecond:N0} "
                    + $"| {(double)round.DifferentPictures.BadStatuses / round.DifferentPictures.Requests:P0} "
                    + $"| {round.Alone.P99Microseconds / 1e3:0.0}, {round.BesideSame.P99Microseconds / 1e3:0.0}, "
                    + $"{round.BesideDifferent.P99Microseconds / 1e3:0.0} |"
            );
        }

        text.AppendLine(Invariant, $"\nProduct memory: {ResidentBytes / 1e6:0.0} MB resident.");
        Markdown.AppendTargets(
            text,
            [
                Target.AtLeast("Redirects beside one picture, against alone", Spread.Of(Rounds.Select(round => round.SameRatio)).Median, LeastRatio, ""),
                Target.AtLeast(
                    "Redirects beside different pictures, against alone",
                    Spread.Of(Rounds.Select(round => round.DifferentRatio)).Median,
                    LeastRatio,
                    ""
                ),
            ]
        );
        return text.ToString();
    }
}
