using System.Text;
using UrlShortener.Runtime.Clicks.Results;

namespace UrlShortener.Runtime.Storage.ClickHouse;

/// <summary>Stores results of the Flink job. The tables keep the largest sums, and one of several equal rows, so a row may be inserted again.</summary>
internal sealed class ClickHouseResults(ClickHouseDatabase database) : IResultTables
{
    private static readonly string[] MinuteColumns = ["short_code", "minute", "clicks", "bots", "last_at"];
    private static readonly string[] TrendColumns = ["short_code", "minute", "last_hour", "usual_hour"];
    private static readonly string[] FloodColumns = ["minute", "short_code", "visitor", "clicks", "usual_minute"];

    /// <inheritdoc />
    public async Task StoreAsync(ResultKind kind, IReadOnlyList<ResultRow> rows, CancellationToken cancellationToken)
    {
        using var content = new MemoryStream(rows.Count * 48);
        await using (var writer = new BinaryWriter(content, Encoding.UTF8, leaveOpen: true))
        {
            foreach (var row in rows)
                Write(writer, row);
        }

        var (table, columns) = kind switch
        {
            ResultKind.Minutes => ("clicks_by_minute", MinuteColumns),
            ResultKind.Trends => ("link_trends", TrendColumns),
            _ => ("click_floods", FloodColumns),
        };
        await database.InsertAsync(table, columns, content, Guid.NewGuid(), cancellationToken);
    }

    // RowBinary has the layout of BinaryWriter: little endian, texts with their length before them.
    private static void Write(BinaryWriter writer, ResultRow row)
    {
        var minute = (uint)row.Minute.ToUnixTimeSeconds();
        switch (row.Kind)
        {
            case ResultKind.Minutes:
                writer.Write(row.ShortCode);
                writer.Write(minute);
                writer.Write((ulong)row.Clicks);
                writer.Write((ulong)row.Bots);
                writer.Write(row.LastAt.ToUnixTimeMilliseconds());
                break;
            case ResultKind.Trends:
                writer.Write(row.ShortCode);
                writer.Write(minute);
                writer.Write((ulong)row.Clicks);
                writer.Write(row.Usual);
                break;
            default:
                writer.Write(minute);
                writer.Write(row.ShortCode);
                writer.Write(row.Visitor);
                writer.Write((ulong)row.Clicks);
                writer.Write(row.Usual);
                break;
        }
    }
}
