using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using ClickHouse.Driver.ADO.Readers;
using UrlShortener.Runtime.Clicks.Loading;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.ClickHouse;

/// <summary>
/// Loads clicks into ClickHouse. A piece is one request and one block: the server drops a block whose token it knows, in each table by itself, so the same piece
/// again adds what is missing. What comes after the server's time in the request, because it was held up somewhere, adds nothing.
/// </summary>
internal sealed class ClickHouseWarehouse(ClickHouseDatabase database) : IClickWarehouse
{
    // A query of so many is as long as a server takes out of the box.
    private const int IdsPerQuery = 10_000;

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
        foreach (var part in events.Where(incoming => incoming.Rejected is null).Select(incoming => HalvesOf(incoming.Id).High).Distinct().Chunk(IdsPerQuery))
        {
            // Half of the id, which few events share: numbers of 128 bits would be read as fractions.
            var sql = $"SELECT id_high, id_low, topic_id, partition, offset FROM loaded_events WHERE id_high IN ({string.Join(',', part)})";
            foreach (var (id, from) in await database.ReadAsync(sql, ReadLoaded, cancellationToken))
                loaded[id] = from;
        }

        return loaded;
    }

    /// <inheritdoc />
    public async Task<DateTimeOffset> ReadTimeAsync(CancellationToken cancellationToken) =>
        DateTimeOffset.FromUnixTimeSeconds(
            (await database.ReadAsync("SELECT toUnixTimestamp(now())", row => (uint)row.GetValue(0), cancellationToken)).Single()
        );

    /// <inheritdoc />
    public async Task InsertAsync(Guid piece, IReadOnlyList<NewClick> clicks, DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        using var rows = new MemoryStream(clicks.Count * 192);
        await using (var writer = new BinaryWriter(rows, Encoding.UTF8, leaveOpen: true))
        {
            foreach (var click in clicks)
                Write(writer, click, (uint)deadline.ToUnixTimeSeconds());
        }

        var written = await database.InsertAsync("click_inserts", ClickColumns, rows, piece, cancellationToken);
        // Each row is counted where it is sent to, and where it is stored.
        if (written < 2L * clicks.Count)
            throw new DependencyException($"ClickHouse stored {Math.Max(0, written - clicks.Count)} of {clicks.Count} clicks.");
    }

    /// <inheritdoc />
    public async Task NoteLoadedAsync(EventBatch batch, IReadOnlyList<NewClick> clicks, CancellationToken cancellationToken)
    {
        using var rows = new MemoryStream(clicks.Count * 44);
        await using (var writer = new BinaryWriter(rows, Encoding.UTF8, leaveOpen: true))
        {
            foreach (var click in clicks)
            {
                var (high, low) = HalvesOf(click.Event.Id);
                writer.Write(high);
                writer.Write(low);
                WriteId(writer, batch.Topic);
                writer.Write((uint)batch.Partition);
                writer.Write((ulong)click.Event.Offset);
            }
        }

        await database.InsertAsync("loaded_events", EventColumns, rows, batch.Id, cancellationToken);
    }

    private static (Guid Id, LoadedFrom From) ReadLoaded(ClickHouseDataReader row) =>
        (ToGuid((ulong)row.GetValue(0), (ulong)row.GetValue(1)), new LoadedFrom(row.GetGuid(2), (int)(uint)row.GetValue(3), (long)(ulong)row.GetValue(4)));

    // RowBinary has the layout of BinaryWriter: little endian, texts with their length before them.
    private static void Write(BinaryWriter writer, in NewClick click, uint deadline)
    {
        var stored = click.Event.Click;
        writer.Write(stored.ShortCode);
        writer.Write(stored.At.ToUnixTimeMilliseconds());
        WriteId(writer, click.Event.Id);
        writer.Write(stored.IsBot);
        writer.Write((sbyte)stored.Device);
        writer.Write(stored.Country ?? "");
        writer.Write(stored.City ?? "");
        writer.Write(stored.Source ?? "");
        writer.Write(click.SummedSource ?? "");
        writer.Write(stored.Referrer ?? "");
        writer.Write(stored.UserAgent ?? "");
        writer.Write(VisitorOf(stored.IpHash));
        writer.Write(deadline);
    }

    private static void WriteId(BinaryWriter writer, Guid id)
    {
        var (high, low) = HalvesOf(id);
        writer.Write(high);
        writer.Write(low);
    }

    // 64 of the hash's 256 bits: two of a million visitors have the same with a probability of 1 to 37 million.
    private static ulong VisitorOf(string hash) =>
        hash.Length == 0 ? 0 : Math.Max(1, ulong.Parse(hash.AsSpan(0, 16), NumberStyles.HexNumber, CultureInfo.InvariantCulture));

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
