using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;
using UrlShortener.Load.Cases;
using UrlShortener.Load.OpenModel;

namespace UrlShortener.Load.Costs;

/// <summary>One kind of request, alone.</summary>
/// <param name="Name">The kind.</param>
/// <param name="Result">The load.</param>
/// <param name="Requests">All that left something in the store: with the warm-up.</param>
/// <param name="Cpu">Processor time for each.</param>
/// <param name="Bytes">What all of them left in the store.</param>
/// <param name="ResidentBytes">Memory of the process afterwards.</param>
/// <param name="Lookups">Which tier answered.</param>
internal sealed record CostPhase(string Name, OpenModelResult Result, long Requests, CpuCost Cpu, StoredBytes Bytes, long ResidentBytes, CacheLookups Lookups);

/// <summary>What requests cost on one store.</summary>
internal sealed record CostReport(string Store, Machine Machine, CpuTimes IdlePerSecond, IReadOnlyList<CostPhase> Phases, EntryBytes? Entries)
{
    /// <summary>Wrong answers, and requests that were not sent.</summary>
    [JsonIgnore]
    public long Errors => Phases.Sum(phase => phase.Result.Errors + phase.Result.Dropped);

    /// <summary>The report as text.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder($"# Cost of requests on {Store}\n\n").Append(Markdown.Describe(Machine));
        new CaseTable(
            "Processor time per request, µs, without what is used when idle",
            ["", "Offered /s", "Achieved /s", "Product", "PostgreSQL", "Redis", "p50 ms", "p99 ms", "Resident MB"],
            [
                .. Phases.Select(phase =>
                    (IReadOnlyList<string>)
                        [
                            phase.Name,
                            Cell($"{phase.Result.OfferedPerSecond:N0}"),
                            Cell($"{phase.Result.AchievedPerSecond:N0}"),
                            Cell($"{phase.Cpu.Product:0}"),
                            Cell($"{phase.Cpu.Postgres:0}"),
                            Cell($"{phase.Cpu.Redis:0}"),
                            Cell($"{phase.Result.Operations[0].Latency.P50:0.0}"),
                            Cell($"{phase.Result.Operations[0].Latency.P99:0.0}"),
                            Cell($"{phase.ResidentBytes / 1e6:0}"),
                        ]
                ),
            ]
        ).AppendTo(text);
        text.AppendLine(
            Cell($"\nIdle, ms per second: product {IdlePerSecond.Product.TotalMilliseconds:0.0}, PostgreSQL ")
                + Cell($"{IdlePerSecond.Postgres.TotalMilliseconds:0.0}, Redis {IdlePerSecond.Redis.TotalMilliseconds:0.0}.")
        );
        new CaseTable("Bytes per request", ["", "Requests", "What", "Bytes"], [.. Phases.SelectMany(Stored)]).AppendTo(text);
        new CaseTable(
            "Answered by",
            ["", "Memory", "Redis", "Database"],
            [
                .. Phases.Select(phase =>
                    (IReadOnlyList<string>)
                        [phase.Name, Cell($"{phase.Lookups.Memory:N0}"), Cell($"{phase.Lookups.Redis:N0}"), Cell($"{phase.Lookups.Database:N0}")]
                ),
            ]
        ).AppendTo(text);
        if (Entries is not null)
            text.AppendLine(
                Cell($"\nOne entry: {Entries.Registered:0} bytes of a code in kgs_keys, {Entries.Pooled:0} of a code in the pool in Redis, ")
                    + Cell($"{Entries.Link:0} of a link in Redis.")
            );
        text.AppendLine(Cell($"\nErrors: {Errors:N0}."));
        return text.ToString();
    }

    private static IEnumerable<IReadOnlyList<string>> Stored(CostPhase phase)
    {
        foreach (var (table, bytes) in phase.Bytes.Tables.Where(table => table.Value != 0).OrderByDescending(table => table.Value))
            yield return Row(table, bytes);
        if (phase.Bytes.Wal != 0)
            yield return Row("write-ahead log", phase.Bytes.Wal);

        IReadOnlyList<string> Row(string what, long bytes) =>
            [phase.Name, Cell($"{phase.Requests:N0}"), what, Cell($"{(double)bytes / Math.Max(1, phase.Requests):0.0}")];
    }

    private static string Cell(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
