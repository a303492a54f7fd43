using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using k8s;
using Npgsql;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Postgres;
using UrlShortener.Operator.Tests.Regions;
using UrlShortener.TestServers.Kubernetes.Kubelet;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>
/// Asks every member ten times a second to store a row, and remembers who acknowledged one, when, and on which timeline. As soon as a primary has acknowledged
/// one, none of an earlier timeline may.
/// </summary>
internal sealed class WriteSampler : IAsyncDisposable
{
    private const string Statement =
        "INSERT INTO samples VALUES (gen_random_uuid()) RETURNING id || ' ' || ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int";

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly RegionLab _lab;
    private readonly IReadOnlyDictionary<string, ProcessKubelet> _nodes;
    private readonly MemberConnections _connections;
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentQueue<Sample> _samples = new();
    private readonly Task _running;

    private WriteSampler(RegionLab lab, IReadOnlyDictionary<string, ProcessKubelet> nodes, MemberConnections connections)
    {
        _lab = lab;
        _nodes = nodes;
        _connections = connections;
        _running = Task.WhenAll(nodes.Keys.Select(SampleAsync));
    }

    /// <summary>How many rows were acknowledged.</summary>
    public int Count => _samples.Count;

    /// <summary>Starts as a superuser, with the certificate of the members.</summary>
    /// <param name="lab">The laboratory.</param>
    /// <param name="nodes">Nodes of the members, by the members' names.</param>
    /// <param name="primary">The member that accepts writes.</param>
    public static async Task<WriteSampler> StartAsync(RegionLab lab, IReadOnlyDictionary<string, ProcessKubelet> nodes, string primary)
    {
        await nodes[primary].ExecAsync(lab.Namespace, primary, ["psql", .. PsqlArguments, "CREATE TABLE IF NOT EXISTS samples (id uuid)"], Token);
        var secret = await lab.Client.CoreV1.ReadNamespacedSecretAsync("eu-postgres-tls", lab.Namespace, cancellationToken: Token);
        return new WriteSampler(lab, nodes, new MemberConnections(CertificateData.Parse(secret)!, PostgresNames.ServiceHostOf(await lab.ReadAsync())));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static IReadOnlyList<string> PsqlArguments => ["-h", "/run/postgresql", "-U", "postgres", "-qAtc"];

    private static IReadOnlyList<string> Psql => ["timeout", "2", "psql", .. PsqlArguments];

    /// <summary>Samples a member from within its pod, which nobody else reaches, until somebody cancels it.</summary>
    public async Task SampleWithinAsync(string member, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var began = Stopwatch.GetTimestamp();
            try
            {
                var row = await _nodes[member].ExecAsync(_lab.Namespace, member, [.. Psql, Statement], CancellationToken.None);
                _samples.Enqueue(Sample.Parse(member, row, began));
            }
            catch (InvalidOperationException)
            {
                // It did not acknowledge the row, or does not run.
            }

            // A pause between samples, not a wait for something.
            await Task.Delay(Interval, CancellationToken.None);
        }
    }

    /// <summary>Rows that were acknowledged although a later primary had acknowledged one before they were asked for.</summary>
    public IReadOnlyList<string> FindViolations()
    {
        var byEnd = _samples.OrderBy(sample => sample.Ended).ToList();
        var found = new List<string>();
        Sample? latest = null;
        var ended = 0;
        foreach (var sample in _samples.OrderBy(sample => sample.Began))
        {
            for (; ended < byEnd.Count && byEnd[ended].Ended < sample.Began; ended++)
            {
                if (latest is null || byEnd[ended].Timeline > latest.Timeline)
                    latest = byEnd[ended];
            }

            if (latest is not null && (sample.Timeline < latest.Timeline || (sample.Timeline == latest.Timeline && sample.Member != latest.Member)))
                found.Add($"{sample.Member} acknowledged on timeline {sample.Timeline}, {Stopwatch.GetElapsedTime(latest.Ended, sample.Ended)} after {latest}");
        }

        return found;
    }

    /// <summary>
    /// Acknowledged rows that a member does not have. Members with the same position of the log may differ: by their answers to Patroni, nobody can tell.
    /// </summary>
    public async Task<IReadOnlyList<string>> FindLostAsync()
    {
        var acknowledged = _samples.ToList();
        var lost = new List<string>();
        foreach (var member in _nodes.Keys)
        {
            var rows = new HashSet<string>(StringComparer.Ordinal);
            await Eventually.HoldsAsync(
                async () =>
                {
                    rows = await ReadRowsAsync(member);
                    // A replica may be a moment behind.
                    return rows.Contains(acknowledged[^1].Id);
                },
                () => $"{member} has the last row",
                TimeSpan.FromMinutes(2)
            );
            lost.AddRange(
                acknowledged
                    .Where(sample => !rows.Contains(sample.Id))
                    .Select(sample => $"{member} lacks a row that {sample.Member} acknowledged on timeline {sample.Timeline} at {sample.At:HH:mm:ss.fff}")
            );
        }

        return lost;
    }

    // None while the member starts again, as one does that is rewound.
    private async Task<HashSet<string>> ReadRowsAsync(string member)
    {
        try
        {
            var text = await _nodes[member].ExecAsync(_lab.Namespace, member, ["psql", .. PsqlArguments, "SELECT id FROM samples"], Token);
            return [.. text.Split('\n')];
        }
        catch (InvalidOperationException)
        {
            return [];
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _running;
        _connections.Dispose();
        _end.Dispose();
    }

    private async Task SampleAsync(string member)
    {
        NpgsqlConnection? connection = null;
        while (!_end.IsCancellationRequested)
        {
            var began = Stopwatch.GetTimestamp();
            try
            {
                connection ??= await OpenAsync(member);
                began = Stopwatch.GetTimestamp();
                await using var command = new NpgsqlCommand(Statement, connection);
                _samples.Enqueue(Sample.Parse(member, (string)(await command.ExecuteScalarAsync(CancellationToken.None))!, began));
            }
            catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.ReadOnlySqlTransaction)
            {
                // A replica.
            }
            catch (Exception lost)
                when (lost is NpgsqlException or TimeoutException or HttpRequestException or IOException or k8s.Autorest.HttpOperationException)
            {
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

    private async Task<NpgsqlConnection> OpenAsync(string member)
    {
        var pod = await _lab.Client.CoreV1.ReadNamespacedPodAsync(member, _lab.Namespace, cancellationToken: CancellationToken.None);
        var connection = new NpgsqlConnection(
            $"Host={pod.Status.PodIP ?? "127.0.0.1"};Username=postgres;Database=postgres;SSL Mode=Require;Pooling=false;Timeout=2;Command Timeout=2"
        )
        {
            SslClientAuthenticationOptionsCallback = options => _connections.Configure(options),
        };
        try
        {
            await connection.OpenAsync(CancellationToken.None);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private sealed record Sample(string Member, string Id, int Timeline, long Began, long Ended)
    {
        // To find it in the logs of the members.
        public DateTimeOffset At => TimeProvider.System.GetUtcNow() - Stopwatch.GetElapsedTime(Ended);

        public static Sample Parse(string member, string row, long began) =>
            row.Trim().Split(' ') is [var id, var timeline]
                ? new Sample(member, id, int.Parse(timeline, CultureInfo.InvariantCulture), began, Stopwatch.GetTimestamp())
                : throw new FormatException($"\"{row}\" is not a row and its timeline.");
    }
}
