using System.Globalization;
using System.Text;

namespace UrlShortener.Load;

/// <summary>What the operator costs with many regions, and how soon it acts.</summary>
internal sealed record RegionsReport
{
    private const double CpuTarget = 0.05;
    private const long MemoryTarget = 200_000_000;
    private static readonly TimeSpan ChangeTarget = TimeSpan.FromSeconds(2);

    public required Machine Machine { get; init; }

    /// <summary>The cluster's version.</summary>
    public required string Kubernetes { get; init; }

    public required RegionsOptions Options { get; init; }

    /// <summary>From the first region's creation until all are ready.</summary>
    public required double ReadySeconds { get; init; }

    /// <summary>Processor time of the steady state, in parts of one core.</summary>
    public required double SteadyCpu { get; init; }

    /// <summary>Reconciles in a second of the steady state.</summary>
    public required double SteadyReconciles { get; init; }

    /// <summary>Requests to the API server in a second of the steady state, those of the lease included.</summary>
    public required double SteadyRequests { get; init; }

    /// <summary>Writes to the API server during the steady state, other than of the lease.</summary>
    public required double SteadyWrites { get; init; }

    public required long ResidentBytes { get; init; }

    public required long PeakResidentBytes { get; init; }

    /// <summary>From the change of each region to the change of its autoscaler, in order.</summary>
    public required IReadOnlyList<double> ChangeSeconds { get; init; }

    public string ToMarkdown()
    {
        var text = new StringBuilder("# Operator with many regions\n\n").Append(Markdown.Describe(Machine));
        var sorted = ChangeSeconds.Order().ToArray();
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"Kubernetes {Kubernetes}, {Options.Regions} regions of {Options.Pods} pods; all ready after {ReadySeconds:0} s.\n"
        );
        text.AppendLine("| | Measured | Wanted | |\n|---|---:|---:|---|");
        Append(
            text,
            $"Processor time in {Options.SteadySeconds} s of steady state, of one core",
            $"{SteadyCpu:P1}",
            $"< {CpuTarget:P0}",
            SteadyCpu < CpuTarget
        );
        Append(text, $"Memory, resident", $"{ResidentBytes / 1e6:0} MB", $"< {MemoryTarget / 1e6:0} MB", ResidentBytes < MemoryTarget);
        Append(text, $"Memory, resident, peak", $"{PeakResidentBytes / 1e6:0} MB", $"< {MemoryTarget / 1e6:0} MB", PeakResidentBytes < MemoryTarget);
        Append(
            text,
            $"A change of a region acted on, slowest",
            $"{sorted[^1]:0.00} s",
            $"< {ChangeTarget.TotalSeconds:0} s",
            sorted[^1] < ChangeTarget.TotalSeconds
        );
        text.AppendLine(CultureInfo.InvariantCulture, $"| A change of a region acted on, median of {sorted.Length} | {sorted[sorted.Length / 2]:0.00} s | | |");
        text.AppendLine(CultureInfo.InvariantCulture, $"| Reconciles per second in steady state | {SteadyReconciles:0.0} | | |");
        text.AppendLine(CultureInfo.InvariantCulture, $"| Requests to the API server per second in steady state | {SteadyRequests:0.0} | | |");
        Append(text, $"Writes in steady state", $"{SteadyWrites:0}", $"0", SteadyWrites == 0);
        return text.ToString();
    }

    private static void Append(StringBuilder text, FormattableString what, FormattableString measured, FormattableString wanted, bool isMet) =>
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"| {FormattableString.Invariant(what)} | {FormattableString.Invariant(measured)} | {FormattableString.Invariant(wanted)} | {(isMet ? "met" : "not met")} |"
        );
}
