using StackExchange.Redis;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Storage.Redis;

/// <summary>
/// Calls to Redis with a time limit. In a cluster, one master may hang while the others answer. Each range of hash slots therefore has its own breaker, so that
/// problems of one server do not delay calls to the others.
/// </summary>
internal sealed class RedisCalls
{
    private const int SlotsPerRange = 1024;
    private const int Ranges = 16_384 / SlotsPerRange;

    private readonly RedisConnection _connection;
    private readonly string _prefix;
    private readonly bool _waitsForConnection;
    private readonly Dependency[] _ranges;

    /// <param name="connection">The connection.</param>
    /// <param name="prefix">Prefix of the keys that are read to check whether a server answers.</param>
    /// <param name="options">Limits of each call.</param>
    /// <param name="time">The clock.</param>
    /// <param name="waitsForConnection">Whether calls wait for the first connection attempt if it has not ended yet.</param>
    public RedisCalls(RedisConnection connection, string prefix, DependencyOptions options, TimeProvider time, bool waitsForConnection)
    {
        _waitsForConnection = waitsForConnection;
        _connection = connection;
        _prefix = prefix;
        _ranges = [.. Enumerable.Range(0, Ranges).Select(_ => new Dependency("redis", options, IsFailure, time))];
    }

    /// <summary>Whether calls for some keys fail at once.</summary>
    public bool IsOpen
    {
        get
        {
            foreach (var range in _ranges)
            {
                if (range.IsOpen)
                    return true;
            }

            return false;
        }
    }

    /// <summary>Makes one call.</summary>
    /// <param name="operation">The command, for those who read traces.</param>
    /// <param name="key">The key that the call uses.</param>
    /// <param name="call">Sends the call. Its task is abandoned when the time limit is reached.</param>
    /// <param name="cancellationToken">Ends the wait; the call may have been carried out nevertheless.</param>
    /// <exception cref="DependencyException">The call was not carried out, or its outcome is unknown.</exception>
    public async ValueTask<T> CallAsync<T>(string operation, RedisKey key, Func<IDatabaseAsync, Task<T>> call, CancellationToken cancellationToken)
    {
        using var span = Spans.StartCall(Spans.Redis, operation);
        try
        {
            if ((_connection.Multiplexer ?? await WaitForConnectionAsync(cancellationToken)) is not { } multiplexer)
                throw new DependencyException("redis is not connected yet.");
            var database = multiplexer.GetDatabase();
            return await RangeOf(multiplexer, key).CallAsync(token => WaitAsync(call(database), token), cancellationToken);
        }
        catch (Exception error) when (IsOfRedis(error))
        {
            if (error is RedisServerException && !IsFailure(error))
                _connection.NoteRefused(error.Message);
            span.Fail(error);
            throw new DependencyException("redis could not carry out a call.", error);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            span.Fail(error);
            throw;
        }
    }

    /// <summary>Runs a script with one key, like <see cref="CallAsync"/>.</summary>
    public ValueTask<RedisResult> RunAsync(RedisScript script, RedisKey key, RedisValue[] arguments, CancellationToken cancellationToken) =>
        CallAsync(script.Name, key, database => script.RunAsync(database, key, arguments), cancellationToken);

    /// <summary>Makes one call through each open breaker. A call that succeeds closes its breaker.</summary>
    public async Task ProbeAsync(CancellationToken cancellationToken)
    {
        if (_connection.Multiplexer is { } multiplexer)
            await Task.WhenAll(_ranges.Where(range => range.IsOpen).Select(range => ProbeAsync(KeyIn(multiplexer, range), cancellationToken)));
    }

    private async Task ProbeAsync(RedisKey key, CancellationToken cancellationToken)
    {
        try
        {
            await CallAsync("EXISTS", key, database => database.KeyExistsAsync(key, CommandFlags.DemandMaster), cancellationToken);
        }
        catch (DependencyException)
        {
            // The breaker stays open.
        }
    }

    // Finds a key whose slot is in the range, within a few dozen attempts.
    private RedisKey KeyIn(ConnectionMultiplexer multiplexer, Dependency range)
    {
        for (var i = 0; i < Ranges * Ranges; i++)
        {
            RedisKey key = $"{_prefix}:probe:{i}";
            if (RangeOf(multiplexer, key) == range)
                return key;
        }

        return $"{_prefix}:probe";
    }

    // The process may have just started. Calls that no request waits for allow the first connection attempt its time.
    private async ValueTask<ConnectionMultiplexer?> WaitForConnectionAsync(CancellationToken cancellationToken)
    {
        if (!_waitsForConnection)
            return null;
        try
        {
            return await _connection.WaitAsync(cancellationToken).WaitAsync(RedisConnection.BackgroundTimeout, cancellationToken);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    private static async ValueTask<T> WaitAsync<T>(Task<T> task, CancellationToken cancellationToken)
    {
        try
        {
            return await task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (!task.IsCompleted)
        {
            // No caller waits for the task any more. Observe its exception; the time limit has already reported the failure.
            _ = task.ContinueWith(static left => left.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            throw;
        }
    }

    // A single server has no slots; the client then returns -1.
    private Dependency RangeOf(ConnectionMultiplexer multiplexer, RedisKey key) => _ranges[Math.Max(0, multiplexer.HashSlot(key)) / SlotsPerRange];

    private static bool IsOfRedis(Exception error) => error is RedisException or TimeoutException or RedisCommandException or ObjectDisposedException;

    // An error reply means that the call is at fault, unless it says that the server cannot serve right now.
    private static bool IsFailure(Exception error) =>
        error is RedisServerException reply ? IsUnready(reply.Message) : error is RedisException or TimeoutException;

    private static bool IsUnready(string reply) =>
        reply.StartsWith("CLUSTERDOWN", StringComparison.Ordinal)
        || reply.StartsWith("LOADING", StringComparison.Ordinal)
        || reply.StartsWith("READONLY", StringComparison.Ordinal)
        || reply.StartsWith("TRYAGAIN", StringComparison.Ordinal)
        || reply.StartsWith("MASTERDOWN", StringComparison.Ordinal)
        || reply.StartsWith("MOVED", StringComparison.Ordinal)
        || reply.StartsWith("ASK", StringComparison.Ordinal);
}
