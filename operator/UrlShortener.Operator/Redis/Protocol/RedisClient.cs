using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;

namespace UrlShortener.Operator.Redis.Protocol;

/// <summary>
/// Sends commands to single nodes. Connections are kept for the next command, at most <see cref="MaxIdle"/> for each node. Every command has a time limit. To
/// connect takes several answers of the node and its processor, so that it has a limit of its own: otherwise a busy node would never be connected to.
/// </summary>
internal sealed class RedisClient(TimeProvider time) : IDisposable
{
    /// <summary>Connections of a node that are kept while they are not in use.</summary>
    public const int MaxIdle = 2;

    /// <summary>Minimum time to connect.</summary>
    public static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<(IPEndPoint Address, string Access), ConcurrentStack<(RedisConnection Connection, long Since)>> _idle = new();

    /// <summary>Sends a command to a node.</summary>
    /// <param name="address">The node.</param>
    /// <param name="access">Password and certificates.</param>
    /// <param name="limit">Maximum time.</param>
    /// <param name="command">The command and its arguments.</param>
    /// <param name="cancellationToken">Ends the command.</param>
    public async Task<RedisOutcome> SendAsync(
        IPEndPoint address,
        RedisAccess access,
        TimeSpan limit,
        IReadOnlyList<string> command,
        CancellationToken cancellationToken
    ) => (await SendAsync(address, access, limit, [command], cancellationToken))[0];

    /// <summary>Sends several commands to a node at once on one connection. After a failure of the connection, the outcomes of the rest are that failure.</summary>
    public async Task<IReadOnlyList<RedisOutcome>> SendAsync(
        IPEndPoint address,
        RedisAccess access,
        TimeSpan limit,
        IReadOnlyList<IReadOnlyList<string>> commands,
        CancellationToken cancellationToken
    )
    {
        using var timed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var outcomes = new List<RedisOutcome>();
        var key = (address, access.Identity);
        RedisConnection? connection = null;
        try
        {
            connection = TakeIdle(key);
            if (connection is null)
            {
                timed.CancelAfter(limit > ConnectLimit ? limit : ConnectLimit);
                connection = await RedisConnection.OpenAsync(address, access, timed.Token);
            }

            timed.CancelAfter(limit);
            await connection.WriteAsync(commands, timed.Token);
            while (outcomes.Count < commands.Count)
                outcomes.Add(RedisOutcome.Of(await connection.ReadAsync(timed.Token)));
            Keep(key, connection);
            return outcomes;
        }
        catch (Exception error) when (FailureOf(error, limit) is { } failure && !cancellationToken.IsCancellationRequested)
        {
            connection?.Dispose();
            return [.. outcomes, .. Enumerable.Repeat(failure, commands.Count - outcomes.Count)];
        }
        catch
        {
            connection?.Dispose();
            throw;
        }
    }

    /// <summary>Connects anew, and returns the serial number of the certificate that the node serves now; null: it does not answer, or has none.</summary>
    public static async Task<string?> ReadCertificateAsync(IPEndPoint address, RedisAccess access, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var timed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timed.CancelAfter(limit);
        try
        {
            using var connection = await RedisConnection.OpenAsync(address, access, timed.Token);
            return connection.CertificateSerial;
        }
        catch (Exception error) when (FailureOf(error, limit) is not null && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>Ends connections that nobody has used for a minute, such as those to pods that are gone.</summary>
    public void Prune()
    {
        foreach (var (key, stack) in _idle)
        {
            var young = new List<(RedisConnection Connection, long Since)>();
            while (stack.TryPop(out var entry))
            {
                if (time.GetElapsedTime(entry.Since) < MaxAge)
                    young.Add(entry);
                else
                    entry.Connection.Dispose();
            }

            foreach (var entry in young)
                stack.Push(entry);
            if (young.Count == 0 && stack.IsEmpty)
                _idle.TryRemove(key, out _);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var stack in _idle.Values)
        {
            while (stack.TryPop(out var entry))
                entry.Connection.Dispose();
        }
    }

    // Null: not a failure of a node.
    private static RedisOutcome? FailureOf(Exception error, TimeSpan limit) =>
        error switch
        {
            OperationCanceledException => RedisOutcome.Failed(RedisReach.TimedOut, $"no answer within {limit.TotalMilliseconds:0} ms"),
            SocketException { SocketErrorCode: SocketError.ConnectionRefused } => RedisOutcome.Failed(RedisReach.Refused, "connection refused"),
            SocketException or IOException or InvalidDataException or AuthenticationException or ObjectDisposedException => RedisOutcome.Failed(
                RedisReach.Broken,
                error.Message
            ),
            _ => null,
        };

    private RedisConnection? TakeIdle((IPEndPoint, string) key)
    {
        if (!_idle.TryGetValue(key, out var stack))
            return null;
        while (stack.TryPop(out var entry))
        {
            if (entry.Connection.IsUsable && time.GetElapsedTime(entry.Since) < MaxAge)
                return entry.Connection;
            entry.Connection.Dispose();
        }

        return null;
    }

    private void Keep((IPEndPoint, string) key, RedisConnection connection)
    {
        var stack = _idle.GetOrAdd(key, _ => new());
        if (stack.Count < MaxIdle)
            stack.Push((connection, time.GetTimestamp()));
        else
            connection.Dispose();
    }
}
