using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Npgsql;
using UrlShortener.TestServers.Kubernetes.Kubelet;
using Xunit;

namespace UrlShortener.Operator.Tests.Failover;

/// <summary>
/// Asks every member of all regions ten times a second to store a row, and remembers which region acknowledged one and when. At no time may two regions.
/// </summary>
internal sealed class RegionSampler : IAsyncDisposable
{
    private const string Statement = "INSERT INTO samples VALUES ($1)";
    private const int TimeoutSeconds = 2;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentQueue<Sample> _samples = new();
    private readonly ConcurrentDictionary<string, bool> _asked = new(StringComparer.Ordinal);
    private readonly List<Task> _running = [];

    /// <summary>Samples a member from now on.</summary>
    /// <param name="region">Its region.</param>
    /// <param name="source">Opens connections to it; disposed with the sampler.</param>
    public void Add(string region, NpgsqlDataSource source) => _running.Add(Task.Run(() => SampleAsync(region, source)));

    /// <summary>The region that acknowledged the last row; null: none did.</summary>
    public string? Last => _samples.MaxBy(sample => sample.Ended)?.Region;

    /// <summary>Longest time without an acknowledged row since some number of them.</summary>
    /// <param name="count">The number.</param>
    public TimeSpan LongestGapSince(int count)
    {
        var ends = _samples.Select(sample => sample.Ended).Order().Skip(count - 1).ToList();
        return ends.Zip(ends.Skip(1), (one, next) => Stopwatch.GetElapsedTime(one, next)).DefaultIfEmpty().Max();
    }

    /// <summary>How many rows were acknowledged.</summary>
    public int Count => _samples.Count;

    /// <summary>Whether any member was asked to store a row: it may have done so without acknowledging it.</summary>
    /// <param name="id">The row.</param>
    public bool HasAskedFor(string id) => _asked.ContainsKey(id);

    /// <summary>Samples a member from within its pod, which nobody else reaches, until somebody cancels it.</summary>
    public async Task SampleWithinAsync(string region, ProcessKubelet node, string space, string pod, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var id = Guid.NewGuid().ToString();
            _asked[id] = true;
            try
            {
                await node.ExecAsync(
                    space,
                    pod,
                    ["timeout", "2", "psql", "-h", "/run/postgresql", "-U", "postgres", "-qAtc", $"INSERT INTO samples VALUES ('{id}')"],
                    CancellationToken.None
                );
                _samples.Enqueue(new Sample(region, id, Stopwatch.GetTimestamp()));
            }
            catch (InvalidOperationException)
            {
                // It did not acknowledge the row, or does not run.
            }

            // A pause between samples, not a wait for something.
            await Task.Delay(Interval, CancellationToken.None);
        }
    }

    /// <summary>
    /// The regions that wrote one after the other, each with the longest time without an acknowledged row before its first one. If two wrote at the same time, both
    /// stand there several times.
    /// </summary>
    public IReadOnlyList<(string Region, TimeSpan Gap)> ReadWriters()
    {
        var writers = new List<(string Region, TimeSpan Gap)>();
        Sample? before = null;
        // By the time at which they were acknowledged: only then does somebody count on them.
        foreach (var sample in _samples.OrderBy(sample => sample.Ended))
        {
            if (before is null || before.Region != sample.Region)
                writers.Add((sample.Region, before is null ? TimeSpan.Zero : Stopwatch.GetElapsedTime(before.Ended, sample.Ended)));
            before = sample;
        }

        return writers;
    }

    /// <summary>The acknowledged rows that a database does not have, with their region, and the time from them until the last one of that region.</summary>
    /// <param name="source">The database.</param>
    public async Task<IReadOnlyList<(string Id, string Region, TimeSpan BeforeLast)>> FindLostAsync(NpgsqlDataSource source)
    {
        // First: what is acknowledged after the question is asked need not be in the answer.
        var samples = _samples.OrderBy(sample => sample.Ended).ToList();
        var rows = new HashSet<string>(StringComparer.Ordinal);
        await using var command = source.CreateCommand("SELECT id::text FROM samples");
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
            rows.Add(reader.GetString(0));
        return
        [
            .. samples
                .Where(sample => !rows.Contains(sample.Id))
                .Select(sample =>
                    (sample.Id, sample.Region, Stopwatch.GetElapsedTime(sample.Ended, samples.FindLast(other => other.Region == sample.Region)!.Ended))
                ),
        ];
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await Task.WhenAll(_running);
        _end.Dispose();
    }

    private async Task SampleAsync(string region, NpgsqlDataSource source)
    {
        await using var owned = source;
        NpgsqlConnection? connection = null;
        while (!_end.IsCancellationRequested)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
            limit.CancelAfter(TimeSpan.FromSeconds(TimeoutSeconds));
            try
            {
                connection ??= await source.OpenConnectionAsync(limit.Token);
                var id = Guid.NewGuid();
                _asked[id.ToString()] = true;
                await using var command = new NpgsqlCommand(Statement, connection) { CommandTimeout = TimeoutSeconds };
                command.Parameters.Add(new NpgsqlParameter { Value = id });
                await command.ExecuteNonQueryAsync(limit.Token);
                _samples.Enqueue(new Sample(region, id.ToString(), Stopwatch.GetTimestamp()));
            }
            catch (PostgresException error) when (error.SqlState is PostgresErrorCodes.ReadOnlySqlTransaction)
            {
                // It says that it does not write, over a connection that stays.
            }
            catch (Exception error) when (error is NpgsqlException or OperationCanceledException or IOException or TimeoutException)
            {
                // It does not answer, or has ended the connection.
                if (connection is not null)
                    await connection.DisposeAsync();
                connection = null;
            }

            // A pause between samples, not a wait for something.
            await Task.Delay(Interval, CancellationToken.None);
        }

        if (connection is not null)
            await connection.DisposeAsync();
    }

    private sealed record Sample(string Region, string Id, long Ended)
    {
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Region} {Id}");
    }
}
