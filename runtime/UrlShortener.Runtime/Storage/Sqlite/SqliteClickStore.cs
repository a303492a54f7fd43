using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Statistics;

namespace UrlShortener.Runtime.Storage.Sqlite;

/// <summary>Stores clicks, packed per link and flush, and the sums of days. They share one class because a late click changes the sums of its day.</summary>
internal sealed class SqliteClickStore(SqliteDatabase database) : IClickSink, IClickSalts, IClickRetention, IStatisticsSource, IDaySums, ISingleClicks
{
    private const int CodesPerWrite = 32;
    private const int LinksPerDelete = 50;
    private const long DayMilliseconds = 86_400_000;

    private const string DaysSql =
        "SELECT day, first_at >= $4 AND last_at < $5, sums FROM click_days WHERE short_code = $1 AND day >= $2 AND day <= $3 ORDER BY day";

    // The clicks of a range. A batch holds clicks of one day. Batches of older releases hold the clicks of one flush, which spans at most a day.
    private const string ClicksSql =
        "SELECT first_at, clicks FROM click_batches WHERE short_code = $1 AND last_at >= $2 AND last_at < $3 + 86400000 AND first_at < $3";

    // Headers of the batches whose clicks all lie in a range, and the whole of those that have some outside.
    private const string CountsSql = """
        SELECT first_at, last_at, CASE WHEN first_at >= $2 AND last_at < $3 THEN substr(clicks, 1, $4) ELSE clicks END FROM click_batches
        WHERE short_code = $1 AND last_at >= $2 AND last_at < $3 + 86400000 AND first_at < $3
        """;

    private const string PageSql = """
        SELECT id, first_at, last_at, clicks FROM click_batches
        WHERE short_code = $1 AND (last_at, id) > ($2, $3) AND last_at < $4 + 86400000 AND first_at < $4 ORDER BY last_at, id LIMIT $5
        """;

    private const int ClicksPerPage = 5_000;
    private const int MaxSource = 255;

    // Only the writer's thread uses these fields.
    private readonly ClickPacking _packing = new();
    private readonly Dictionary<(string Code, long Day), List<int>> _byLink = [];
    private readonly Stack<List<int>> _spareLists = [];

    // Days up to this one are summed up, or are being summed up. A late click of such a day is added to the sums. Null: not read yet.
    private long? _summedDay;
    private Guid _stored;

    /// <inheritdoc />
    public async Task AppendAsync(Guid batch, IReadOnlyList<StoredClick> clicks, CancellationToken cancellationToken)
    {
        // Only this process writes clicks to the file, so it knows which batches were stored. Only the last batch can be sent again.
        if (batch == _stored)
            return;
        await database.WriteAsync(session => Append(session, clicks), cancellationToken);
        _stored = batch;
    }

    /// <inheritdoc />
    public Task<ClickTotals> ReadTotalsAsync(string shortCode, DateTimeOffset from, DateTimeOffset to, long caller, CancellationToken cancellationToken)
    {
        var (start, end) = RangeOf(from, to);
        return database.QueryAsync(caller, session => ReadTotals(session, shortCode, start, end), cancellationToken);
    }

    /// <inheritdoc />
    // This store counts visitors together with the rest.
    public Task<ClickTotals> ReadCountsAsync(string shortCode, DateTimeOffset from, DateTimeOffset to, long caller, CancellationToken cancellationToken) =>
        ReadTotalsAsync(shortCode, from, to, caller, cancellationToken);

    /// <inheritdoc />
    public Task<long> CountAsync(string shortCode, DateTimeOffset from, DateTimeOffset to, long limit, long caller, CancellationToken cancellationToken)
    {
        var (start, end) = RangeOf(from, to);
        return database.QueryAsync(caller, session => Count(session, shortCode, start, end, limit), cancellationToken);
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<IReadOnlyList<SingleClick>> ReadAsync(
        string shortCode,
        DateTimeOffset from,
        DateTimeOffset to,
        long caller,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var (start, end) = RangeOf(from, to);
        for (var next = ((long LastAt, long Id)?)(start, 0); next is { } after; )
        {
            (var page, next) = await database.QueryAsync(caller, session => ReadPage(session, shortCode, start, end, after), cancellationToken);
            if (page.Count > 0)
                yield return page;
        }
    }

    /// <inheritdoc />
    public async Task<int> SumUpAsync(DateOnly before, CancellationToken cancellationToken)
    {
        var last = before.DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber - 1;
        var day = await database.WriteAsync(session => BeginDay(session, last), cancellationToken);
        if (day is not { } begun)
            return 0;
        var (start, end) = (begun * DayMilliseconds, (begun + 1) * DayMilliseconds);
        var codes = await database.QueryAsync(
            SqliteDatabase.OwnWork,
            session =>
                session.Query(
                    "SELECT DISTINCT short_code FROM click_batches WHERE last_at >= $1 AND last_at < $2 + 86400000 AND first_at < $2",
                    row => row.GetString(0),
                    start,
                    end
                ),
            cancellationToken
        );
        foreach (var chunk in codes.Chunk(CodesPerWrite))
        {
            var sums = await database.QueryAsync(
                SqliteDatabase.OwnWork,
                session => Array.ConvertAll(chunk, code => (code, Sum(session, code, begun))),
                cancellationToken
            );
            await database.WriteAsync(session => Array.ConvertAll(sums, sum => Store(session, sum.code, begun, sum.Item2, replaces: false)), cancellationToken);
        }

        await database.WriteAsync(session => session.Execute("UPDATE click_sums_state SET last_day = $1", begun), cancellationToken);
        return codes.Count + 1;
    }

    /// <inheritdoc />
    public Task<int> DeleteOfDeletedLinksAsync(int limit, CancellationToken cancellationToken) =>
        database.WriteAsync(session => DeleteOfDeletedLinks(session, limit), cancellationToken);

    /// <inheritdoc />
    public Task<byte[]> GetSaltAsync(DateOnly day, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session =>
            {
                var key = Key(day);
                session.Execute("INSERT INTO click_salts (day, salt) VALUES ($1, $2) ON CONFLICT DO NOTHING", key, ClickSalt.Make());
                return (byte[])session.Scalar("SELECT salt FROM click_salts WHERE day = $1", key)!;
            },
            cancellationToken
        );

    /// <inheritdoc />
    public Task DeleteSaltsBeforeAsync(DateOnly day, CancellationToken cancellationToken) =>
        database.WriteAsync(session => session.Execute("DELETE FROM click_salts WHERE day < $1", Key(day)), cancellationToken);

    /// <inheritdoc />
    public Task<int> DeleteBeforeAsync(DateTimeOffset moment, int limit, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session =>
                session.Execute(
                    "DELETE FROM click_batches WHERE id IN (SELECT id FROM click_batches WHERE last_at < $1 LIMIT $2)",
                    moment.ToUnixTimeMilliseconds(),
                    limit
                ),
            cancellationToken
        );

    private int Append(SqliteSession session, IReadOnlyList<StoredClick> clicks)
    {
        _summedDay ??= (long)session.Scalar("SELECT max(last_day, begun_day) FROM click_sums_state")!;
        // A failed append may have left clicks here. The batch is appended again.
        _byLink.Clear();
        var all = SpanOf(clicks);
        for (var i = 0; i < all.Length; i++)
        {
            ref readonly var click = ref all[i];
            ref var ofLink = ref CollectionsMarshal.GetValueRefOrAddDefault(_byLink, (click.ShortCode, DayOf(click.At.ToUnixTimeMilliseconds())), out _);
            ofLink ??= _spareLists.TryPop(out var spare) ? spare : [];
            ofLink.Add(i);
        }

        // Use the order of the indexes, so that a flush visits each of their pages once instead of jumping between them.
        foreach (var ((code, day), ofLink) in _byLink.OrderBy(entry => entry.Key.Code, StringComparer.Ordinal).ThenBy(entry => entry.Key.Day))
        {
            Append(session, code, day, clicks, ofLink);
            ofLink.Clear();
            _spareLists.Push(ofLink);
            // Let a redirect that waits for this core run first.
            Thread.Yield();
        }

        _byLink.Clear();
        return clicks.Count;
    }

    private void Append(SqliteSession session, string code, long day, IReadOnlyList<StoredClick> clicks, List<int> ofLink)
    {
        var (first, last, people, lastPerson) = Measure(SpanOf(clicks), ofLink);
        var hasLink =
            people > 0
            && session.Execute(
                "UPDATE urls SET click_count = click_count + $1, last_accessed_at = max(coalesce(last_accessed_at, 0), $2) WHERE short_code = $3",
                people,
                lastPerson,
                code
            ) > 0;
        // Data about visitors is deleted with their link, including clicks that arrive after the deletion.
        if (!hasLink && session.Scalar("SELECT 1 FROM deleted_links WHERE short_code = $1", code) is not null)
            return;
        session.Execute(
            "INSERT INTO click_batches (short_code, first_at, last_at, clicks) VALUES ($1, $2, $3, $4)",
            code,
            first,
            last,
            _packing.Pack(clicks, ofLink, first).ToArray()
        );
        if (day <= _summedDay)
            Store(session, code, day, Sum(session, code, day), replaces: true);
    }

    // Returns the next day to sum up, at most the last one; null if there is none.
    private long? BeginDay(SqliteSession session, long last)
    {
        var summed = (long)session.Scalar("SELECT last_day FROM click_sums_state")!;
        if (summed >= last)
            return null;
        // Skip days without clicks.
        var next = session.Scalar("SELECT min(last_at) FROM click_batches WHERE last_at >= $1", (summed + 1) * DayMilliseconds) is long at
            ? DayOf(at) - 1
            : last;
        var day = Math.Clamp(next, summed + 1, last);
        session.Execute("UPDATE click_sums_state SET begun_day = $1", day);
        _summedDay = day;
        return day;
    }

    private static DaySums Sum(SqliteSession session, string code, long day)
    {
        var sums = new DaySums();
        Scan(session, code, day * DayMilliseconds, (day + 1) * DayMilliseconds, sums.Add);
        return sums;
    }

    // Sums computed for a late click replace stored ones: they are newer and include every stored click.
    private static int Store(SqliteSession session, string code, long day, DaySums sums, bool replaces) =>
        sums.FirstAt == long.MaxValue
            ? 0
            : session.Execute(
                replaces
                    ? "INSERT OR REPLACE INTO click_days (short_code, day, first_at, last_at, sums) VALUES ($1, $2, $3, $4, $5)"
                    : "INSERT OR IGNORE INTO click_days (short_code, day, first_at, last_at, sums) SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS (SELECT "
                        + "1 FROM deleted_links WHERE short_code = $1)",
                code,
                day,
                sums.FirstAt,
                sums.LastAt,
                JsonSerializer.Serialize(sums, DaySumsJson.Default.DaySums)
            );

    private static int DeleteOfDeletedLinks(SqliteSession session, int limit)
    {
        var deleted = 0;
        foreach (
            var code in session.Query(
                "SELECT short_code FROM deleted_links WHERE is_due = 1 ORDER BY deleted_at LIMIT $1",
                row => row.GetString(0),
                LinksPerDelete
            )
        )
        {
            deleted += session.Execute(
                "DELETE FROM click_batches WHERE id IN (SELECT id FROM click_batches WHERE short_code = $1 LIMIT $2)",
                code,
                limit - deleted
            );
            if (deleted >= limit)
                return deleted;
            deleted += 1 + session.Execute("DELETE FROM click_days WHERE short_code = $1", code);
            session.Execute("UPDATE deleted_links SET is_due = 0 WHERE short_code = $1", code);
        }

        // By then this process holds no more clicks of these links.
        if (deleted == 0)
        {
            session.Execute(
                "DELETE FROM deleted_links WHERE short_code IN (SELECT short_code FROM deleted_links WHERE is_due = 0 AND deleted_at < (unixepoch() - "
                    + "2592000) * 1000 LIMIT $1)",
                limit
            );
        }

        return deleted;
    }

    private static (long First, long Last, long People, long LastPerson) Measure(ReadOnlySpan<StoredClick> clicks, List<int> ofLink)
    {
        var (first, last, people, lastPerson) = (long.MaxValue, long.MinValue, 0L, 0L);
        foreach (var i in ofLink)
        {
            ref readonly var click = ref clicks[i];
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
        // One transaction, so that all queries see the same state of the file.
        session.Execute("BEGIN");
        var (first, last) = (DayOf(from), DayOf(to - 1));
        var summed = Math.Min((long)session.Scalar("SELECT last_day FROM click_sums_state")!, last);
        var totals = new ClickTotalsBuilder();
        var rest = new DaySums();
        // Day by day: a range may have ten years of them, and a day the names of 1,000 sources.
        using (var days = session.Bind(DaysSql, code, first, summed, from, to).ExecuteReader())
        {
            while (days.Read())
            {
                if (days.GetBoolean(1))
                    JsonSerializer.Deserialize(SqliteSession.BytesOf(days, 2), DaySumsJson.Default.DaySums)!.AddTo(totals);
                else
                    Scan(session, code, Math.Max(from, days.GetInt64(0) * DayMilliseconds), Math.Min(to, (days.GetInt64(0) + 1) * DayMilliseconds), rest.Add);
            }
        }

        if (summed < last)
            Scan(session, code, Math.Max(from, (summed + 1) * DayMilliseconds), to, rest.Add);
        session.Execute("COMMIT");
        rest.AddTo(totals);
        return totals.Build();
    }

    private static long Count(SqliteSession session, string code, long from, long to, long limit)
    {
        using var rows = session.Bind(CountsSql, code, from, to, ClickPacking.HeaderBytes).ExecuteReader();
        var count = 0L;
        while (count < limit && rows.Read())
        {
            var (first, packed) = (rows.GetInt64(0), rows.GetFieldValue<byte[]>(2));
            if (first >= from && rows.GetInt64(1) < to)
                count += ClickPacking.CountOf(packed);
            else
                ClickPacking.UnpackCounted(packed, first, (in PackedClick click, ReadOnlySpan<byte> _) => count += click.At >= from && click.At < to ? 1 : 0);
        }

        return Math.Min(count, limit);
    }

    // Whole batches, until there are enough clicks; and where the next page begins, null after the last one.
    private static (List<SingleClick> Page, (long LastAt, long Id)? Next) ReadPage(
        SqliteSession session,
        string code,
        long from,
        long to,
        (long LastAt, long Id) after
    )
    {
        using var rows = session.Bind(PageSql, code, after.LastAt, after.Id, to, ClicksPerPage).ExecuteReader();
        var page = new List<SingleClick>();
        var batches = 0;
        while (page.Count < ClicksPerPage && rows.Read())
        {
            batches++;
            after = (rows.GetInt64(2), rows.GetInt64(0));
            ClickPacking.UnpackCounted(SqliteSession.BytesOf(rows, 3), rows.GetInt64(1), Add);
        }

        page.Sort((one, other) => one.At.CompareTo(other.At));
        return (page, page.Count < ClicksPerPage && batches < ClicksPerPage ? null : after);

        void Add(in PackedClick click, ReadOnlySpan<byte> hash)
        {
            if (click.At >= from && click.At < to)
                page.Add(new SingleClick(DateTimeOffset.FromUnixTimeMilliseconds(click.At), click.IsBot, click.Device, click.Country, Cut(click.Source)));
        }
    }

    // As sums have it.
    private static string? Cut(string? source) => source?.Length > MaxSource ? source[..MaxSource] : source;

    // Clicks have whole milliseconds: those from a moment on are those from the next whole one on.
    private static (long From, long To) RangeOf(DateTimeOffset from, DateTimeOffset to) => (MillisecondOf(from), MillisecondOf(to));

    private static long MillisecondOf(DateTimeOffset time) =>
        (time.Ticks - DateTimeOffset.UnixEpoch.Ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond;

    private static void Scan(SqliteSession session, string code, long from, long to, PackedClickReader read)
    {
        using var rows = session.Bind(ClicksSql, code, from, to).ExecuteReader();
        PackedClickReader readOne = ReadOne;
        while (rows.Read())
            ClickPacking.UnpackCounted(SqliteSession.BytesOf(rows, 1), rows.GetInt64(0), readOne);

        void ReadOne(in PackedClick click, ReadOnlySpan<byte> hash)
        {
            if (click.At >= from && click.At < to)
                read(click, hash);
        }
    }

    // A click has 130 bytes: a list would copy each of them for each look at it.
    private static ReadOnlySpan<StoredClick> SpanOf(IReadOnlyList<StoredClick> clicks) =>
        clicks switch
        {
            List<StoredClick> list => CollectionsMarshal.AsSpan(list),
            StoredClick[] array => array,
            _ => clicks.ToArray(),
        };

    private static long DayOf(long milliseconds) => (long)Math.Floor((double)milliseconds / DayMilliseconds);

    private static string Key(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
