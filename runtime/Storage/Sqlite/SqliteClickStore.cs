using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using UrlShortener.Runtime.Clicks;

namespace UrlShortener.Runtime.Storage.Sqlite;

/// <inheritdoc />
internal sealed class SqliteClickStore(SqliteDatabase database) : IClickStore
{
    private const int SaltBytes = 32;
    private const int TopEntries = 250;
    private const string Unknown = "";

    // Touched by the writer's thread alone.
    private readonly ClickPacking _packing = new();
    private readonly Dictionary<string, List<int>> _byLink = new(StringComparer.Ordinal);
    private readonly Stack<List<int>> _spareLists = [];
    private Guid _stored;

    /// <inheritdoc />
    public async Task AppendAsync(Guid batch, IReadOnlyList<StoredClick> clicks, CancellationToken cancellationToken)
    {
        // The file is this process' own: what was stored, it knows. Only the last one can come again.
        if (batch == _stored)
            return;
        await database.WriteAsync(session => Append(session, clicks), cancellationToken);
        _stored = batch;
    }

    /// <inheritdoc />
    // A busy link has many rows to count; the request's own thread stays free.
    public Task<ClickTotals> ReadTotalsAsync(string shortCode, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken) =>
        Task.Run(
            () => database.ReadAsync(session => ReadTotals(session, shortCode, from.ToUnixTimeMilliseconds(), to.ToUnixTimeMilliseconds()), cancellationToken),
            cancellationToken);

    /// <inheritdoc />
    public Task<byte[]> GetSaltAsync(DateOnly day, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session =>
            {
                var key = Key(day);
                session.Execute("INSERT INTO click_salts (day, salt) VALUES ($1, $2) ON CONFLICT DO NOTHING", key, RandomNumberGenerator.GetBytes(SaltBytes));
                return (byte[])session.Scalar("SELECT salt FROM click_salts WHERE day = $1", key)!;
            },
            cancellationToken);

    /// <inheritdoc />
    public Task DeleteSaltsBeforeAsync(DateOnly day, CancellationToken cancellationToken) =>
        database.WriteAsync(session => session.Execute("DELETE FROM click_salts WHERE day < $1", Key(day)), cancellationToken);

    /// <inheritdoc />
    public Task<int> DeleteBeforeAsync(DateTimeOffset moment, int limit, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session => session.Execute(
                "DELETE FROM click_batches WHERE id IN (SELECT id FROM click_batches WHERE last_at < $1 LIMIT $2)",
                moment.ToUnixTimeMilliseconds(), limit),
            cancellationToken);

    private int Append(SqliteSession session, IReadOnlyList<StoredClick> clicks)
    {
        // An append that failed half way left its clicks behind; they come again.
        _byLink.Clear();
        for (var i = 0; i < clicks.Count; i++)
        {
            ref var ofLink = ref CollectionsMarshal.GetValueRefOrAddDefault(_byLink, clicks[i].ShortCode, out _);
            ofLink ??= _spareLists.TryPop(out var spare) ? spare : [];
            ofLink.Add(i);
        }

        // In the order of the indexes, so that a flush passes over their pages once instead of jumping between them.
        foreach (var (code, ofLink) in _byLink.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            var (first, last, people, lastPerson) = Measure(clicks, ofLink);
            session.Execute(
                "INSERT INTO click_batches (short_code, first_at, last_at, clicks) VALUES ($1, $2, $3, $4)", code, first, last, _packing.Pack(clicks, ofLink, first).ToArray());
            if (people > 0)
            {
                session.Execute(
                    "UPDATE urls SET click_count = click_count + $1, last_accessed_at = max(coalesce(last_accessed_at, 0), $2) WHERE short_code = $3",
                    people, lastPerson, code);
            }

            ofLink.Clear();
            _spareLists.Push(ofLink);
            // A redirect that waits for this core goes first.
            Thread.Yield();
        }

        _byLink.Clear();
        return clicks.Count;
    }

    private static (long First, long Last, long People, long LastPerson) Measure(IReadOnlyList<StoredClick> clicks, List<int> ofLink)
    {
        var (first, last, people, lastPerson) = (long.MaxValue, long.MinValue, 0L, 0L);
        foreach (var i in ofLink)
        {
            var click = clicks[i];
            var at = click.At.ToUnixTimeMilliseconds();
            first = Math.Min(first, at);
            last = Math.Max(last, at);
            if (click.IsBot)
                continue;
            people++;
            lastPerson = Math.Max(lastPerson, at);
        }

        return (first, last, people, lastPerson);
    }

    private static ClickTotals ReadTotals(SqliteSession session, string code, long from, long to)
    {
        var (clicks, bots) = (0L, 0L);
        var visitors = new HashSet<UInt128>();
        var quarters = new SortedDictionary<long, long>();
        var countries = new Dictionary<string, long>(StringComparer.Ordinal);
        var sources = new Dictionary<string, long>(StringComparer.Ordinal);
        var devices = new long[Enum.GetValues<DeviceClass>().Length];
        session.Query(
            "SELECT first_at, clicks FROM click_batches WHERE short_code = $1 AND last_at >= $2 AND first_at < $3",
            row =>
            {
                ClickPacking.Unpack(row.GetFieldValue<byte[]>(1), row.GetInt64(0), Count);
                return 0;
            },
            code, from, to);
        return new ClickTotals(
            clicks,
            visitors.Count,
            bots,
            [.. quarters],
            Top(countries),
            Top(sources),
            [.. devices.Select((count, device) => KeyValuePair.Create((DeviceClass)device, count)).Where(entry => entry.Value > 0)]);

        void Count(in PackedClick click, ReadOnlySpan<byte> hash)
        {
            if (click.At < from || click.At >= to)
                return;
            if (click.IsBot)
            {
                bots++;
                return;
            }

            clicks++;
            if (!hash.IsEmpty)
                visitors.Add(BinaryPrimitives.ReadUInt128BigEndian(hash));
            var quarter = click.At / 1000 / TimeSeries.QuarterSeconds;
            quarters[quarter] = quarters.GetValueOrDefault(quarter) + 1;
            CollectionsMarshal.GetValueRefOrAddDefault(countries, click.Country ?? Unknown, out _)++;
            CollectionsMarshal.GetValueRefOrAddDefault(sources, click.Source ?? Unknown, out _)++;
            devices[(int)click.Device]++;
        }
    }

    private static List<KeyValuePair<string?, long>> Top(Dictionary<string, long> counts) =>
    [
        .. counts.OrderByDescending(entry => entry.Value).ThenBy(entry => entry.Key, StringComparer.Ordinal).Take(TopEntries)
            .Select(entry => KeyValuePair.Create(entry.Key.Length == 0 ? null : entry.Key, entry.Value)),
    ];

    private static string Key(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
