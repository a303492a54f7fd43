using System.Buffers.Binary;
using System.Runtime.InteropServices;
using ClickHouse.Driver.ADO.Readers;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Clicks.Loading;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.ClickHouse;

/// <summary>
/// Loads clicks into ClickHouse. A piece is one request and one block: the server drops a block whose token it knows, in each table by itself, so the same piece
/// again adds what is missing. What comes after the server's time in the request, because it was held up somewhere, adds nothing.
/// </summary>
internal sealed class ClickHouseWarehouse(ClickHouseDatabase database) : IClickWarehouse
{
    private const int IdBytes = 16;

    // A query of so many has half of the length that is asked for.
    private const int IdsPerQuery = 50_000;

    // Of most rows; longer ones make the buffer grow.
    private const int RowBytes = 320;
    private const int EventBytes = 44;

    private static readonly string[] ClickColumns =
    [
        "short_code",
        "clicked_at",
        "id",
        "is_bot",
        "device",
        "country",
        "city",
        "source",
        "summed_source",
        "referrer",
        "user_agent",
        "visitor",
        "deadline",
    ];

    private static readonly string[] EventColumns = ["id_high", "id_low", "topic_id", "partition", "offset"];

    /// <inheritdoc />
    public async Task<IReadOnlyDictionary<Guid, LoadedFrom>> FindLoadedAsync(IReadOnlyList<IncomingEvent> events, CancellationToken cancellationToken)
    {
        var loaded = new Dictionary<Guid, LoadedFrom>();
        var ids = new RowBinary(Math.Max(1, Math.Min(events.Count, IdsPerQuery)) * IdBytes);
        for (var first = 0; first < events.Count; first += IdsPerQuery)
        {
            ids.Clear();
            foreach (ref readonly var incoming in SpanOf(events).Slice(first, Math.Min(IdsPerQuery, events.Count - first)))
            {
                if (incoming.Rejected is null)
                    WriteId(ids, incoming.Id);
            }

            if (ids.Written.IsEmpty)
                continue;
            foreach (var (id, from) in await database.ReadAsync(LookUp(ids.Written), ReadLoaded, cancellationToken))
                loaded[id] = from;
        }

        ids.Recycle();
        return loaded;
    }

    /// <inheritdoc />
    public async Task<DateTimeOffset> ReadTimeAsync(CancellationToken cancellationToken) =>
        DateTimeOffset.FromUnixTimeSeconds(
            ClickHouseFailure.SingleOf(await database.ReadAsync("SELECT toUnixTimestamp(now())", row => (uint)row.GetValue(0), cancellationToken))
        );

    /// <inheritdoc />
    public async Task InsertAsync(Guid piece, IReadOnlyList<NewClick> clicks, DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        var rows = new RowBinary(clicks.Count * RowBytes);
        var until = (uint)deadline.ToUnixTimeSeconds();
        foreach (ref readonly var click in SpanOf(clicks))
            Write(rows, click, until);
        var written = await InsertAsync("click_inserts", ClickColumns, rows, piece, cancellationToken);
        // Each row is counted where it is sent to, and where it is stored.
        if (written < 2L * clicks.Count)
            throw new DependencyException($"ClickHouse stored {Math.Max(0, written - clicks.Count)} of {clicks.Count} clicks.");
    }

    /// <inheritdoc />
    public async Task NoteLoadedAsync(EventBatch batch, IReadOnlyList<NewClick> clicks, CancellationToken cancellationToken)
    {
        var rows = new RowBinary(clicks.Count * EventBytes);
        foreach (ref readonly var click in SpanOf(clicks))
        {
            WriteId(rows, click.Event.Id);
            WriteId(rows, batch.Topic);
            rows.Write((uint)batch.Partition);
            rows.Write((ulong)click.Event.Offset);
        }

        await InsertAsync("loaded_events", EventColumns, rows, batch.Id, cancellationToken);
    }

    private async Task<long> InsertAsync(string table, IReadOnlyList<string> columns, RowBinary rows, Guid token, CancellationToken cancellationToken)
    {
        using var stream = rows.ToStream();
        var written = await database.InsertAsync(table, columns, stream, token, cancellationToken);
        rows.Recycle();
        return written;
    }

    // Ids as one text: a list of numbers takes the server four times as long to parse and to check. In two numbers each: it would read one of 128 bits as a
    // fraction.
    private static string LookUp(ReadOnlySpan<byte> ids) =>
        $"""
            SELECT id_high, id_low, topic_id, partition, offset FROM loaded_events WHERE (id_high, id_low) IN (
                SELECT reinterpretAsUInt64(substring(id, 1, 8)), reinterpretAsUInt64(substring(id, 9, 8))
                FROM (SELECT substring(base64Decode('{Convert.ToBase64String(ids)}'), number * 16 + 1, 16) AS id FROM numbers({ids.Length / IdBytes})))
            """;

    private static (Guid Id, LoadedFrom From) ReadLoaded(ClickHouseDataReader row) =>
        (ToGuid((ulong)row.GetValue(0), (ulong)row.GetValue(1)), new LoadedFrom(row.GetGuid(2), (int)(uint)row.GetValue(3), (long)(ulong)row.GetValue(4)));

    private static void Write(RowBinary rows, in NewClick click, uint deadline)
    {
        var stored = click.Event.Click;
        rows.Write(stored.ShortCode);
        rows.Write(stored.At.ToUnixTimeMilliseconds());
        WriteId(rows, click.Event.Id);
        rows.Write(stored.IsBot ? (byte)1 : (byte)0);
        rows.Write((byte)stored.Device);
        rows.Write(stored.Country);
        rows.Write(stored.City);
        rows.Write(stored.Source);
        rows.Write(click.SummedSource);
        rows.Write(stored.Referrer);
        rows.Write(stored.UserAgent);
        rows.Write(VisitorOf(stored.IpHash));
        rows.Write(deadline);
    }

    private static void WriteId(RowBinary rows, Guid id)
    {
        var (high, low) = HalvesOf(id);
        rows.Write(high);
        rows.Write(low);
    }

    private static ReadOnlySpan<T> SpanOf<T>(IReadOnlyList<T> list) =>
        list switch
        {
            T[] array => array,
            List<T> many => CollectionsMarshal.AsSpan(many),
            _ => list.ToArray(),
        };

    // 64 of the hash's 256 bits: two of a million visitors have the same with a probability of 1 to 37 million.
    private static ulong VisitorOf(AddressHash hash) => hash.IsNone ? 0 : Math.Max(1, hash.First);

    private static (ulong High, ulong Low) HalvesOf(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return (BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));
    }

    private static Guid ToGuid(ulong high, ulong low)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, high);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], low);
        return new Guid(bytes, bigEndian: true);
    }
}
