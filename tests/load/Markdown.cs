using System.Globalization;
using System.Text;

namespace UrlShortener.Load;

/// <summary>The parts all reports share.</summary>
internal static class Markdown
{
    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    public static string Describe(Machine machine) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{machine.Processor}, {machine.Cores} cores, {machine.MemoryBytes / 1e9:0.0} GB; {machine.Kernel}; {machine.Runtime}; data on "
                + $"{machine.DataFileSystem}. "
        ) + "The generator runs on the same machine.\n";

    public static string Describe(LoadProfile load) =>
        string.Create(CultureInfo.InvariantCulture, $"{load.Name}: {load.Connections} connections, {load.Seconds} s a run")
        + (load.ThinkMilliseconds is { } pause ? string.Create(CultureInfo.InvariantCulture, $", a pause of {pause} ms before each request") : ", no pauses");

    /// <summary>A table of rounds. <paramref name="unit"/> names what is counted per second; <paramref name="drains"/> tells whether storing went on after a
    /// round.</summary>
    public static void AppendRounds(StringBuilder text, Comparison comparison, string unit, bool drains = false)
    {
        text.AppendLine(Invariant, $"\n## {Describe(comparison.Load)}\n");
        text.Append(
                Invariant,
                $"| Round | Floor {unit} | Product {unit} | Ratio | Floor p50 µs | Product p50 µs | Floor p99 µs | Product p99 µs | p99 " + $"ratio |"
            )
            .AppendLine(drains ? " Drain s |" : "");
        text.Append("|---|---:|---:|---:|---:|---:|---:|---:|---:|").AppendLine(drains ? "---:|" : "");
        foreach (var round in comparison.Rounds)
        {
            var (floor, product) = (round.Floor, round.Product);
            text.Append(
                Invariant,
                $"| {round.Number}, {(round.ProductFirst ? "product" : "floor")} first | {floor.RequestsPerSecond:N0} | {product.RequestsPerSecond:N0} "
                    + $"| {round.RateRatio:0.000} | {floor.P50Microseconds} | {product.P50Microseconds} | {floor.P99Microseconds} | {product.P99Microseconds} "
                    + $"| {round.P99Ratio:0.00} |"
            );
            text.AppendLine(drains ? string.Create(Invariant, $" {round.DrainSeconds:0.0} |") : "");
        }

        text.Append(
                Invariant,
                $"| **Median** | {comparison.FloorRate.Median:N0} | {comparison.ProductRate.Median:N0} | **{comparison.RateRatio.Median:0.000}** "
                    + $"| {comparison.FloorP50.Median:0} | {comparison.ProductP50.Median:0} | {comparison.FloorP99.Median:0} | "
                    + $"{comparison.ProductP99.Median:0} "
                    + $"| **{comparison.P99Ratio.Median:0.00}** |"
            )
            .AppendLine(drains ? " |" : "");
        text.AppendLine(
            Invariant,
            $"\nSpread over rounds: ratio {comparison.RateRatio.Least:0.000} to {comparison.RateRatio.Most:0.000}, "
                + $"p99 ratio {comparison.P99Ratio.Least:0.00} to {comparison.P99Ratio.Most:0.00}."
        );
    }

    public static void AppendTargets(StringBuilder text, IEnumerable<Target> targets)
    {
        text.Append("\n## Targets\n\n| Target | Measured | Wanted | |\n|---|---:|---:|---|\n");
        foreach (var target in targets)
            text.AppendLine(Invariant, $"| {target.Name} | {target.Measured} | {target.Wanted} | {(target.Met ? "met" : "NOT MET")} |");
    }
}
