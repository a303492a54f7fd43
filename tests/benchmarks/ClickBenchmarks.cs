using System.Net;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Logging.Abstractions;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Storage.Sqlite;

namespace UrlShortener.Benchmarks;

/// <summary>What a click costs after its redirect was answered; per click, in batches as under load.</summary>
[MemoryDiagnoser]
public class ClickBenchmarks
{
    private const int Batch = 10_000;
    private const int Known = 1_000;
    private readonly ClickEnricher _enricher = new(null);
    private readonly byte[] _salt = ClickSalt.Make();
    private readonly List<StoredClick> _clicks = new(Batch);
    private readonly List<StoredClick> _known = new(Known);
    private readonly Click[] _captured = new Click[Batch];
    private string _directory = "";
    private SqliteDatabase _database = null!;
    private SqliteClickStore _store = null!;

    [GlobalSetup]
    public void SetUp()
    {
        _directory = Directory.CreateTempSubdirectory("shortener-bench-").FullName;
        _database = new SqliteDatabase(new StorageOptions { DataDirectory = _directory }, NullLogger<SqliteDatabase>.Instance);
        _database.Migrate();
        _store = new SqliteClickStore(_database);
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        for (var i = 0; i < Batch; i++)
        {
            _captured[i] = new Click(
                $"code{i % 1000}",
                now + i,
                new IPAddress([10, 0, (byte)(i / 250 % 250), (byte)(i % 250)]),
                "https://www.example.org/page",
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
                null,
                null,
                null,
                false
            );
        }

        Enrich();
    }

    [GlobalCleanup]
    public async Task CleanUpAsync()
    {
        _enricher.Dispose();
        await _database.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>Device, bot flag, referrer and address hash, every address new.</summary>
    [Benchmark(OperationsPerInvoke = Batch)]
    public void Enrich()
    {
        _clicks.Clear();
        foreach (var click in _captured)
            _clicks.Add(_enricher.Enrich(click, _salt));
    }

    /// <summary>The same of addresses that were seen before.</summary>
    [Benchmark(OperationsPerInvoke = Known)]
    public void EnrichKnown()
    {
        _known.Clear();
        foreach (var click in _captured.AsSpan(0, Known))
            _known.Add(_enricher.Enrich(click, _salt));
    }

    /// <summary>The transaction, commit included.</summary>
    [Benchmark(OperationsPerInvoke = Batch)]
    public Task Append() => _store.AppendAsync(Guid.NewGuid(), _clicks, CancellationToken.None);
}
