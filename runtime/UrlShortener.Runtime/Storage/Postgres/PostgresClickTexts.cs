using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using NpgsqlTypes;
using UrlShortener.Runtime.Clicks;
using static UrlShortener.Runtime.Storage.Postgres.PostgresCommands;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>
/// Numbers for the user agents and pages that many clicks have, by month of the click. A text gets one when several visitors had it among the clicks that are
/// folded together; a month has a limited number, so a stranger who sends another text with each click costs what the text takes in its own row, and no more.
/// Used by who holds the lock of the fold.
/// </summary>
internal sealed class PostgresClickTexts
{
    /// <summary>Most texts of a month.</summary>
    public const int MaxTexts = 10_000;

    /// <summary>How many visitors must have a text.</summary>
    public const int MinVisitors = 3;

    // Clicks of a part are of one month, or of two around its end. Others are written with their texts.
    private const int MaxMonths = 2;

    private const string ReadSql = "SELECT number, id, text FROM click_texts WHERE month = $1 AND number > $2 ORDER BY number";

    private const string AddSql =
        "INSERT INTO click_texts (month, id, text) SELECT $1, id, text FROM unnest($2::integer[], $3::text[]) AS added (id, text) " + "ON CONFLICT DO NOTHING";

    private readonly Dictionary<DateOnly, MonthTexts> _months = [];

    /// <summary>The number of a text in the month of a moment; null: it has none. Call <see cref="PrepareAsync"/> before.</summary>
    public int? Find(DateTimeOffset at, string? text) =>
        text is not null && _months.TryGetValue(MonthOf(at), out var month) && month.TryFind(text, out var id) ? id : null;

    /// <summary>Reads what other processes have added, and adds texts that many of some clicks have, in the transaction of the connection.</summary>
    public async Task PrepareAsync(NpgsqlConnection connection, IReadOnlyList<StoredClick> clicks, CancellationToken cancellationToken)
    {
        var months = clicks.Select(click => MonthOf(click.At)).Distinct().OrderDescending().Take(MaxMonths).ToList();
        foreach (var old in _months.Keys.Except(months).ToList())
            _months.Remove(old);
        foreach (var month in months)
        {
            if (!_months.TryGetValue(month, out var texts))
                _months.Add(month, texts = new MonthTexts());
            await ReadAsync(connection, month, texts, cancellationToken);
            await AddAsync(connection, month, texts, clicks, cancellationToken);
        }
    }

    /// <summary>Deletes texts of months before that of a moment.</summary>
    public static async Task<int> DeleteBeforeAsync(NpgsqlConnection connection, DateTimeOffset moment, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("DELETE FROM click_texts WHERE month < $1", connection)
        {
            Parameters = { new() { Value = MonthOf(moment) } },
        };
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Number of a text. It follows from the text, so that it is the same in every database.</summary>
    internal static int IdOf(string text)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        return BinaryPrimitives.ReadInt32LittleEndian(hash);
    }

    private static async Task ReadAsync(NpgsqlConnection connection, DateOnly month, MonthTexts texts, CancellationToken cancellationToken)
    {
        // What an earlier part has added may have been rolled back since.
        texts.ForgetAdded();
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { Command(ReadSql, month, texts.LastNumber) } };
        await using var row = await batch.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
            texts.Keep(row.GetInt64(0), row.GetInt32(1), row.GetString(2));
    }

    private static async Task AddAsync(
        NpgsqlConnection connection,
        DateOnly month,
        MonthTexts texts,
        IReadOnlyList<StoredClick> clicks,
        CancellationToken cancellationToken
    )
    {
        if (texts.Count >= MaxTexts)
            return;
        var candidates = new Dictionary<string, Visitors>(StringComparer.Ordinal);
        foreach (var click in clicks)
        {
            if (click.IpHash.IsNone || MonthOf(click.At) != month)
                continue;
            Count(click.UserAgent, click.IpHash.First);
            Count(click.Referrer, click.IpHash.First);
        }

        foreach (var (text, visitors) in candidates)
        {
            if (visitors.AreMany && texts.Count < MaxTexts)
                texts.TryAdd(IdOf(text), text);
        }

        if (texts.Added.Count == 0)
            return;
        await using var command = new NpgsqlCommand(AddSql, connection)
        {
            Parameters =
            {
                new() { Value = month },
                new() { Value = texts.Added.Values.ToArray() },
                new() { Value = texts.Added.Keys.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
            },
        };
        await command.ExecuteNonQueryAsync(cancellationToken);

        void Count(string? text, ulong visitor)
        {
            if (text is { Length: > 0 } && !texts.TryFind(text, out _))
                CollectionsMarshal.GetValueRefOrAddDefault(candidates, text, out _).Add(visitor);
        }
    }

    private static DateOnly MonthOf(DateTimeOffset at) => new(at.UtcDateTime.Year, at.UtcDateTime.Month, 1);

    // Different visitors, as far as it matters.
    private struct Visitors
    {
        private ulong _first;
        private ulong _second;

        public bool AreMany { get; private set; }

        public void Add(ulong visitor)
        {
            if (_first == 0)
                _first = visitor;
            else if (_first != visitor && _second == 0)
                _second = visitor;
            else if (_first != visitor && _second != visitor)
                AreMany = true;
        }
    }

    private sealed class MonthTexts
    {
        private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
        private readonly HashSet<int> _taken = [];
        private readonly Dictionary<string, int> _added = new(StringComparer.Ordinal);
        private readonly HashSet<int> _takenByAdded = [];

        // Of this transaction, which may fail.
        public IReadOnlyDictionary<string, int> Added => _added;

        public long LastNumber { get; private set; }

        public int Count => _ids.Count + _added.Count;

        public bool TryFind(string text, out int id) => _ids.TryGetValue(text, out id) || _added.TryGetValue(text, out id);

        public void Keep(long number, int id, string text)
        {
            LastNumber = number;
            _ids[text] = id;
            _taken.Add(id);
        }

        public void ForgetAdded()
        {
            _added.Clear();
            _takenByAdded.Clear();
        }

        // Two texts with one number are very rare by chance, and easily made on purpose: the second one gets none.
        public void TryAdd(int id, string text)
        {
            if (!_taken.Contains(id) && _takenByAdded.Add(id))
                _added.Add(text, id);
        }
    }
}
