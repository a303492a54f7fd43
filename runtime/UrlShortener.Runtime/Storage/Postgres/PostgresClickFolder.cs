using Npgsql;
using NpgsqlTypes;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Codes;
using static UrlShortener.Runtime.Storage.Postgres.PostgresCommands;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>
/// Folds the inbox: writes its clicks one by one, and counts those of each link, in transactions that also delete them from the inbox. What a link costs is
/// paid once for all of its clicks that wait, so a pause follows each round that grows with its cost. One process of all folds at a time. A part that fails is
/// tried again with half of its batches: until it is small enough for the time limit, or is a single batch that cannot be stored and must not hold up others.
/// </summary>
internal sealed class PostgresClickFolder(PostgresDatabase database, TimeProvider time)
{
    /// <summary>Longest pause between two rounds, and so about the longest time that a stored click is not counted.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    /// <summary>Shortest pause between two rounds.</summary>
    public static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(500);

    // A round may take a fiftieth of the time.
    private const int PauseForEachSecond = 50;

    // Of one transaction: bounds its memory, and with the links how long the rows of their totals are locked.
    private const int MaxClicks = 100_000;
    private const int MaxLinks = 10_000;
    private const int MaxBatches = 1_000;
    private const long MaxBytes = 8 << 20;

    // Unix milliseconds of the last moment that a date can hold.
    private const long MaxAt = 253_402_300_799_999;

    // Batches set aside that are remembered. Further ones are read in each round.
    private const int MaxSetAside = 100_000;

    // What refused them may be gone by then.
    private static readonly TimeSpan TrySetAsideAgainAfter = TimeSpan.FromMinutes(10);

    // The clock of a server may have been set back, or be that of another server: a pause that is longer than any is none.
    private const string IsDueSql = "(next_at <= now() OR next_at > now() + interval '1 minute')";

    internal const string DueSql = $"""
        SELECT {IsDueSql}, (SELECT extract(epoch FROM now() - min(stored_at))::double precision FROM click_inbox) FROM click_fold
        """;

    private const string TakeTurnSql = $"SELECT {IsDueSql} OR $1 FROM click_fold FOR UPDATE SKIP LOCKED";
    private const string WaitForTurnSql = "SELECT true FROM click_fold FOR UPDATE";

    // A process that is frozen while it folds would otherwise hold up all others, and changes of the links whose totals it has raised. In the middle of a COPY
    // that limit does not count: one whose machine is gone would hold them up until the server's own keepalives find it, two hours by default.
    internal const string EndWhenFrozenSql = """
        SELECT set_config('idle_in_transaction_session_timeout', $1, true), set_config('tcp_keepalives_idle', '10', true),
            set_config('tcp_keepalives_interval', '5', true), set_config('tcp_keepalives_count', '3', true)
        """;

    // The oldest batches, until their clicks or bytes are enough; at least one. A test shows that it reads no more.
    internal const string TakeSql = """
        SELECT batch, first_at, packed
        FROM (
            SELECT batch, stored_at, first_at, packed, sum(clicks) OVER w - clicks AS clicks_before,
                sum(octet_length(packed)) OVER w - octet_length(packed) AS bytes_before
            FROM (
                SELECT batch, stored_at, first_at, packed, clicks FROM click_inbox
                WHERE batch <> ALL ($4) ORDER BY stored_at, batch LIMIT $3
            ) oldest
            WINDOW w AS (ORDER BY stored_at, batch)
        ) waiting
        WHERE clicks_before < $1 AND bytes_before < $2 ORDER BY stored_at, batch
        """;

    // For the transaction. The planner may know the table as it was when nothing waited.
    internal const string InOrderSql = "SELECT set_config('enable_seqscan', 'off', true)";

    private const string StillThereSql = "SELECT batch FROM click_inbox WHERE batch = ANY ($1)";

    private const string DoneSql = "DELETE FROM click_inbox WHERE batch = ANY ($1)";
    private const string PauseSql = "UPDATE click_fold SET next_at = now() + $1";

    private const string CopySql =
        "COPY click_events (short_code, clicked_at, referrer, user_agent, ip_hash, country, city, source, device, is_bot, agent_id, referrer_id) "
        + "FROM STDIN (FORMAT binary)";

    // Those of the last round, unless it failed. Null while a round uses them; another one at the same time reads its own.
    private PostgresClickTexts? _texts;

    // Fewer after a part has failed.
    private int _mostBatches = MaxBatches;

    // Batches that this process cannot fold. Replaced as a whole by who has the turn.
    private volatile Guid[] _setAside = [];
    private long _setAsideSince;

    /// <summary>
    /// Batches that this process could not read, or that the database refused: a newer release has written them, or they are damaged. They stay in the inbox.
    /// </summary>
    public int Unreadable => _setAside.Length;

    /// <summary>After which silence the server ends the transaction of a process that is in the middle of a part.</summary>
    internal TimeSpan FrozenAfter { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long to leave the inbox alone after a round.</summary>
    /// <param name="took">How long the round took.</param>
    public static TimeSpan PauseAfter(TimeSpan took) =>
        TimeSpan.FromTicks(Math.Clamp(took.Ticks * PauseForEachSecond, ShortestPause.Ticks, LongestPause.Ticks));

    /// <summary>
    /// Whether there is something to fold and the pause after the last round is over, and for how long the oldest click has not been counted.
    /// </summary>
    public Task<(bool IsDue, TimeSpan Delay)> LookAsync(CancellationToken cancellationToken) =>
        // A read, since most times there is nothing to do.
        database.ReadPrimaryAsync(
            async (connection, token) =>
            {
                await using var command = new NpgsqlCommand(DueSql, connection);
                await using var row = await command.ExecuteReaderAsync(token);
                return !await row.ReadAsync(token) || row.IsDBNull(1) ? (false, TimeSpan.Zero) : (row.GetBoolean(0), TimeSpan.FromSeconds(row.GetDouble(1)));
            },
            cancellationToken
        );

    /// <summary>Folds the inbox, unless another process does, or has done so since.</summary>
    public Task FoldAsync(CancellationToken cancellationToken) => FoldAsync(waits: false, cancellationToken);

    /// <summary>Folds all that is in the inbox now, whatever the pause; waits for another process that does.</summary>
    public Task FoldAllAsync(CancellationToken cancellationToken) => FoldAsync(waits: true, cancellationToken);

    private async Task FoldAsync(bool waits, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var texts = Interlocked.Exchange(ref _texts, null) ?? new PostgresClickTexts();
        // The pause that a part sets is for the next round: the parts after it do not wait for its end.
        for (var goesOn = false; await FoldPartAsync(texts, waits, goesOn, started, cancellationToken); goesOn = true)
            cancellationToken.ThrowIfCancellationRequested();
        _texts = texts;
    }

    // Whether there is more.
    private async Task<bool> FoldPartAsync(PostgresClickTexts texts, bool waits, bool goesOn, long started, CancellationToken cancellationToken)
    {
        List<Guid> batches = [];
        try
        {
            var hasMore = await database.WritePatientlyAsync(
                "fold clicks",
                async (connection, token) =>
                {
                    await using var transaction = await connection.BeginTransactionAsync(token);
                    await using (var turn = new NpgsqlBatch(connection))
                    {
                        turn.BatchCommands.Add(waits ? Command(WaitForTurnSql) : Command(TakeTurnSql, goesOn));
                        turn.BatchCommands.Add(Command(EndWhenFrozenSql, $"{FrozenAfter.TotalMilliseconds:0}ms"));
                        if (await turn.ExecuteScalarAsync(token) is not true)
                            return false;
                    }

                    if (!goesOn)
                        await ForgetSetAsideAsync(connection, token);
                    var part = await TakeAsync(connection, _mostBatches, _setAside, token);
                    SetAside(part.Unreadable);
                    if (part.Clicks.Count == 0)
                        return part.Unreadable.Count > 0 && _setAside.Length < MaxSetAside;
                    batches = part.Batches;
                    await texts.PrepareAsync(connection, part.Clicks, token);
                    await PostgresClickSums.BeginAsync(connection, token);
                    await CopyAsync(connection, part.Clicks, texts, token);
                    await PostgresClickSums.AddAsync(connection, part.Clicks, token);
                    await PostgresLinkCounts.CountAsync(connection, part.Clicks, token);
                    await using var end = new NpgsqlBatch(connection)
                    {
                        BatchCommands = { Command(DoneSql, part.Batches.ToArray()), Command(PauseSql, PauseAfter(time.GetElapsedTime(started))) },
                    };
                    await end.ExecuteNonQueryAsync(token);
                    await transaction.CommitAsync(token);
                    return part.HasMore;
                },
                cancellationToken
            );
            if (batches.Count > 0)
                _mostBatches = Math.Min(_mostBatches * 2, MaxBatches);
            return hasMore;
        }
        // Of a single one there is no half.
        catch (PostgresException error) when (batches.Count == 1 && IsRefusal(error))
        {
            SetAside(batches);
            return true;
        }
        catch (Exception) when (batches.Count > 0 && !cancellationToken.IsCancellationRequested)
        {
            _mostBatches = Math.Max(batches.Count / 2, 1);
            throw;
        }
    }

    // Class 22: the values, 23: a rule of the table, 54: too long for an index.
    private static bool IsRefusal(PostgresException error) => error.SqlState[..2] is "22" or "23" or "54";

    private void SetAside(List<Guid> batches)
    {
        if (batches.Count == 0)
            return;
        if (_setAside.Length == 0)
            _setAsideSince = time.GetTimestamp();
        _setAside = [.. _setAside.Union(batches).Take(MaxSetAside)];
    }

    // Those that are gone, and after some time all.
    private async Task ForgetSetAsideAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (_setAside.Length == 0)
            return;
        if (time.GetElapsedTime(_setAsideSince) >= TrySetAsideAgainAfter)
        {
            _setAside = [];
            return;
        }

        await using var find = new NpgsqlBatch(connection) { BatchCommands = { Command(StillThereSql, (object)_setAside) } };
        await using var row = await find.ExecuteReaderAsync(cancellationToken);
        var there = new List<Guid>();
        while (await row.ReadAsync(cancellationToken))
            there.Add(row.GetGuid(0));
        _setAside = [.. there];
    }

    private static async Task<InboxPart> TakeAsync(NpgsqlConnection connection, int mostBatches, Guid[] setAside, CancellationToken cancellationToken)
    {
        await using var take = new NpgsqlBatch(connection)
        {
            BatchCommands = { Command(InOrderSql), Command(TakeSql, (long)MaxClicks, MaxBytes, mostBatches, setAside) },
        };
        await using var row = await take.ExecuteReaderAsync(cancellationToken);
        await row.NextResultAsync(cancellationToken);
        var part = new InboxPart();
        while (await row.ReadAsync(cancellationToken))
        {
            // What is left out is read again by the next transaction of the round.
            if (part.Links >= MaxLinks)
            {
                part.HasMore = true;
                break;
            }

            part.Add(row.GetGuid(0), row.GetInt64(1), row.GetFieldValue<byte[]>(2));
        }

        part.HasMore |=
            part.Clicks.Count >= MaxClicks || part.Bytes >= MaxBytes || part.Batches.Count + part.Unreadable.Count >= mostBatches || part.Unreadable.Count > 0;
        part.Sort();
        return part;
    }

    private static async Task CopyAsync(
        NpgsqlConnection connection,
        IReadOnlyList<StoredClick> clicks,
        PostgresClickTexts texts,
        CancellationToken cancellationToken
    )
    {
        await using var writer = await connection.BeginBinaryImportAsync(CopySql, cancellationToken);
        foreach (var click in clicks)
        {
            var (agent, referrer) = (texts.Find(click.At, click.UserAgent), texts.Find(click.At, click.Referrer));
            await writer.StartRowAsync(cancellationToken);
            await writer.WriteAsync(click.ShortCode, NpgsqlDbType.Varchar, cancellationToken);
            await writer.WriteAsync(click.At.UtcDateTime, NpgsqlDbType.TimestampTz, cancellationToken);
            await WriteTextAsync(writer, referrer is null ? click.Referrer : null, cancellationToken);
            await WriteTextAsync(writer, agent is null ? click.UserAgent : null, cancellationToken);
            await WriteTextAsync(writer, click.IpHash.ToShortString(), cancellationToken);
            await WriteTextAsync(writer, click.Country, cancellationToken);
            await WriteTextAsync(writer, click.City, cancellationToken);
            await WriteTextAsync(writer, click.Source, cancellationToken);
            await writer.WriteAsync((short)click.Device, NpgsqlDbType.Smallint, cancellationToken);
            await writer.WriteAsync(click.IsBot, NpgsqlDbType.Boolean, cancellationToken);
            await WriteNumberAsync(writer, agent, cancellationToken);
            await WriteNumberAsync(writer, referrer, cancellationToken);
        }

        await writer.CompleteAsync(cancellationToken);
    }

    private static Task WriteTextAsync(NpgsqlBinaryImporter writer, string? text, CancellationToken cancellationToken) =>
        text is null ? writer.WriteNullAsync(cancellationToken) : writer.WriteAsync(text, NpgsqlDbType.Text, cancellationToken);

    private static Task WriteNumberAsync(NpgsqlBinaryImporter writer, int? number, CancellationToken cancellationToken) =>
        number is { } value ? writer.WriteAsync(value, NpgsqlDbType.Integer, cancellationToken) : writer.WriteNullAsync(cancellationToken);

    // Batches of the inbox and their clicks.
    private sealed class InboxPart
    {
        private readonly HashSet<string> _codes = new(StringComparer.Ordinal);

        public List<Guid> Batches { get; } = [];

        public List<StoredClick> Clicks { get; } = [];

        public int Links => _codes.Count;

        public long Bytes { get; private set; }

        public bool HasMore { get; set; }

        public List<Guid> Unreadable { get; } = [];

        public void Add(Guid batch, long firstAt, byte[] packed)
        {
            var before = Clicks.Count;
            try
            {
                ClickPacking.Unpack(packed, firstAt, Add);
            }
            // The others must not wait for it.
            catch (InvalidDataException)
            {
                Clicks.RemoveRange(before, Clicks.Count - before);
                Unreadable.Add(batch);
                return;
            }

            Batches.Add(batch);
            Bytes += packed.Length;
        }

        // Rows of a link lie together then.
        public void Sort() =>
            Clicks.Sort(
                static (one, other) => string.CompareOrdinal(one.ShortCode, other.ShortCode) is not 0 and var byCode ? byCode : one.At.CompareTo(other.At)
            );

        private void Add(in PackedClick click, ReadOnlySpan<byte> hash)
        {
            // Damaged bytes may still have the form of clicks, and the database would refuse all that is folded with them.
            if (!ShortCode.IsValid(click.ShortCode) || click.At is < 0 or > MaxAt || click.Device > DeviceClass.Tablet)
                throw new InvalidDataException("The inbox has clicks that no release writes.");
            _codes.Add(click.ShortCode!);
            Clicks.Add(
                new StoredClick(
                    click.ShortCode!,
                    DateTimeOffset.FromUnixTimeMilliseconds(click.At),
                    click.Referrer,
                    click.Source,
                    click.UserAgent,
                    AddressHash.ReadShort(hash),
                    click.Country,
                    click.City,
                    click.Device,
                    click.IsBot
                )
            );
        }
    }
}
