using System.Globalization;
using System.Text;

namespace UrlShortener.Load;

/// <summary>Everything a redirect run found.</summary>
internal sealed record RedirectReport
{
    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    public required Machine Machine { get; init; }

    public required Comparison Full { get; init; }

    public required Comparison Light { get; init; }

    public required double FloorStartUpSeconds { get; init; }

    public required double ProductStartUpSeconds { get; init; }

    /// <summary>Processor time for each redirect under full load. Free of the generator's share, which pulls the rate ratio towards 1.</summary>
    public required double FloorCpuMicroseconds { get; init; }

    /// <summary>As <see cref="FloorCpuMicroseconds"/>, the storing of clicks included.</summary>
    public required double ProductCpuMicroseconds { get; init; }

    /// <summary>The part of the machine that programs outside the run, or its host, took under full load. Above a few hundredths the figures are
    /// doubtful.</summary>
    public required double ShareOfOthers { get; init; }

    /// <summary>Redirects the generator got from the product. A little below the product's count: a run's end cuts off requests in flight.</summary>
    public required long Answered { get; init; }

    public required ClickCounters Clicks { get; init; }

    public required long ResidentBytes { get; init; }

    public required long PeakResidentBytes { get; init; }

    /// <summary>Socket errors and responses other than redirects, of both servers.</summary>
    public required long Errors { get; init; }

    public IReadOnlyList<Target> Verdicts => Targets.Compare(this);

    public string ToMarkdown()
    {
        var text = new StringBuilder("# Redirects: product against floor\n\n").Append(Markdown.Describe(Machine));
        Markdown.AppendRounds(text, Full, "req/s", drains: true);
        Markdown.AppendRounds(text, Light, "req/s", drains: true);

        text.Append("\n## Cost\n\n| | Floor | Product | Ratio |\n|---|---:|---:|---:|\n");
        text.AppendLine(
            Invariant,
            $"| Start-up, s | {FloorStartUpSeconds:0.000} | {ProductStartUpSeconds:0.000} | {ProductStartUpSeconds / FloorStartUpSeconds:0.00} |"
        );
        text.AppendLine(
            Invariant,
            $"| CPU per redirect, µs | {FloorCpuMicroseconds:0.00} | {ProductCpuMicroseconds:0.00} | {ProductCpuMicroseconds / FloorCpuMicroseconds:0.00} |"
        );
        var (floor, product) = (Full.Rounds[0].Floor, Full.Rounds[0].Product);
        text.AppendLine(
            Invariant,
            $"| Bytes per response | {floor.BytesPerResponse:0} | {product.BytesPerResponse:0} | {product.BytesPerResponse / floor.BytesPerResponse:0.00} |"
        );
        text.AppendLine(Invariant, $"\nProduct memory: {ResidentBytes / 1e6:0.0} MB resident, {PeakResidentBytes / 1e6:0.0} MB at its peak.");
        text.AppendLine(
            Invariant,
            $"The rest of the machine took {ShareOfOthers:P1} of its processor time under full load; above a few percent, measure again."
        );
        text.AppendLine(
            Invariant,
            $"Redirects: {Answered:N0} answered, {Clicks.Redirects:N0} counted. Clicks: {Clicks.Stored:N0} stored, {Clicks.Dropped:N0} dropped."
        );
        text.AppendLine(Invariant, $"Responses other than redirects, and socket errors: {Errors:N0}.");

        Markdown.AppendTargets(text, Verdicts);
        return text.ToString();
    }
}
