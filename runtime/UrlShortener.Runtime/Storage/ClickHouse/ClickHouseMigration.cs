using System.Globalization;
using System.Text.RegularExpressions;

namespace UrlShortener.Runtime.Storage.ClickHouse;

/// <summary>The migrations of ClickHouse, as this version knows them. Pure.</summary>
/// <param name="Version">Their order.</param>
/// <param name="Name">Name of the file, without its ending.</param>
/// <param name="Text">The statements, with placeholders.</param>
internal sealed partial record ClickHouseMigration(int Version, string Name, string Text)
{
    private const string Prefix = "ClickHouse.";
    private const string Ending = ".sql";

    /// <summary>All of them, in order.</summary>
    public static IReadOnlyList<ClickHouseMigration> All { get; } =
    [
        .. typeof(ClickHouseMigration)
            .Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(Ending, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(Read),
    ];

    /// <summary>The statements.</summary>
    /// <param name="cluster">The cluster whose servers all get the tables; null: tables of one server.</param>
    public IReadOnlyList<string> StatementsFor(string? cluster) =>
        // No text within the statements has a semicolon; a test says so.
        [.. Fill(Comment().Replace(Text, ""), cluster).Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];

    /// <summary>Replaces the placeholders of a text.</summary>
    public static string Fill(string text, string? cluster) =>
        text.Replace("${ON_CLUSTER}", cluster is null ? "" : $"ON CLUSTER '{cluster}'", StringComparison.Ordinal)
            .Replace("${REPLICATED}", cluster is null ? "" : "Replicated", StringComparison.Ordinal)
            .Replace(
                "${WINDOW}",
                cluster is null
                    ? "non_replicated_deduplication_window = 10000"
                    : "replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800",
                StringComparison.Ordinal
            );

    private static ClickHouseMigration Read(string resource)
    {
        using var reader = new StreamReader(typeof(ClickHouseMigration).Assembly.GetManifestResourceStream(resource)!);
        var name = resource[Prefix.Length..^Ending.Length];
        return new ClickHouseMigration(int.Parse(name[..4], CultureInfo.InvariantCulture), name, reader.ReadToEnd());
    }

    [GeneratedRegex("^--.*$", RegexOptions.Multiline)]
    private static partial Regex Comment();
}
