using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Logging.Abstractions;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Storage;
using UrlShortener.Runtime.Storage.Sqlite;

namespace UrlShortener.Benchmarks;

/// <summary>Reading the statistics of a link with 100,000 clicks a day from SQLite: sums of days gone by, and every click of today.</summary>
[MemoryDiagnoser]
public class StatisticsBenchmarks
{
    private const string Code = "popular";
    private const int Days = 360;

    // Of a day gone by the sums are read, whose size does not depend on the number of clicks.
    private const int ClicksPerSummedDay = 2_000;

    // Spread over a day, 100,000 clicks come in about as many flushes: a second has little more than one of them.
    private const int FlushesToday = 70_000;
    private const int ClicksToday = 100_000;

    private readonly DateTimeOffset _today = new(TimeProvider.System.GetUtcNow().UtcDateTime.Date, TimeSpan.Zero);
    private string _directory = "";
    private SqliteDatabase _database = null!;
    private SqliteClickStore _store = null!;

    [GlobalSetup]
    public async Task SetUpAsync()
    {
        _directory = Directory.CreateTempSubdirectory("shortener-bench-").FullName;
        _database = new SqliteDatabase(new StorageOptions { DataDirectory = _directory }, NullLogger<SqliteDatabase>.Instance);
        _database.Migrate();
        // Before the first day: it is set when the tables are made.
        await _database.WriteAsync(
            session => session.Execute("UPDATE click_sums_state SET last_day = last_day - $1, begun_day = begun_day - $1", Days + 10L),
            CancellationToken.None
        );
        _store = new SqliteClickStore(_database);
        for (var day = Days; day > 0; day--)
            await _store.AppendAsync(
                Guid.NewGuid(),
                [.. Enumerable.Range(0, ClicksPerSummedDay).Select(i => NewClick(_today.AddDays(-day), i, ClicksPerSummedDay))],
                CancellationToken.None
            );
        while (await _store.SumUpAsync(DateOnly.FromDateTime(_today.UtcDateTime), CancellationToken.None) > 0) { }

        var packing = new ClickPacking();
        var clicks = Enumerable.Range(0, ClicksToday).Select(i => NewClick(_today, i, ClicksToday)).ToList();
        await _database.WriteAsync(
            session =>
            {
                for (var flush = 0; flush < FlushesToday; flush++)
                {
                    var (first, end) = ((int)((long)flush * ClicksToday / FlushesToday), (int)((flush + 1L) * ClicksToday / FlushesToday));
                    var (firstAt, lastAt) = (clicks[first].At.ToUnixTimeMilliseconds(), clicks[end - 1].At.ToUnixTimeMilliseconds());
                    session.Execute(
                        "INSERT INTO click_batches (short_code, first_at, last_at, clicks) VALUES ($1, $2, $3, $4)",
                        Code,
                        firstAt,
                        lastAt,
                        packing.Pack(clicks, [.. Enumerable.Range(first, end - first)], firstAt).ToArray()
                    );
                }

                return FlushesToday;
            },
            CancellationToken.None
        );
    }

    [GlobalCleanup]
    public async Task CleanUpAsync()
    {
        await _database.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>The last 30 days and today.</summary>
    [Benchmark]
    public Task Month() => _store.ReadTotalsAsync(Code, _today.AddDays(-30), _today.AddDays(1), 1, CancellationToken.None);

    /// <summary>The last 360 days and today.</summary>
    [Benchmark]
    public Task Year() => _store.ReadTotalsAsync(Code, _today.AddDays(-Days), _today.AddDays(1), 1, CancellationToken.None);

    /// <summary>The last 360 days without today.</summary>
    [Benchmark]
    public Task YearBeforeToday() => _store.ReadTotalsAsync(Code, _today.AddDays(-Days), _today, 1, CancellationToken.None);

    private static StoredClick NewClick(DateTimeOffset day, int number, int count) =>
        new(
            Code,
            day.AddMilliseconds(86_400_000.0 / count * number),
            $"https://s{number % 101}.example/page",
            $"s{number % 101}.example",
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            AddressHash.Read(SHA256.HashData(BitConverter.GetBytes(number % 60_000))),
            $"{(char)('A' + (number % 26))}{(char)('A' + (number % 7))}",
            null,
            (DeviceClass)(number % 4),
            number % 50 == 0
        );
}
