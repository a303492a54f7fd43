using Npgsql;
using UrlShortener.Runtime.Health;
using UrlShortener.Runtime.Regions;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Checks what the servers can do.</summary>
internal sealed partial class PostgresHealth(PostgresDatabase database, WriteAccess access, ILogger<PostgresHealth> logger) : IStoreHealth
{
    /// <summary>The kind of write that only the health check makes.</summary>
    public const string Operation = "check";

    // Uses a few rows, so that processes seldom wait for each other.
    private const string CheckSql =
        "INSERT INTO health_checks (id, checked_at) VALUES (pg_backend_pid() % 8, now()) ON CONFLICT (id) DO UPDATE SET checked_at = excluded.checked_at";

    private static readonly TimeSpan CheckTimeout = TimeSpan.FromSeconds(1);

    /// <inheritdoc />
    public async Task<StoreState> CheckAsync(CancellationToken cancellationToken)
    {
        // A standby region does what it is there for if it reads. One that is fenced was a primary, and does not.
        if (access.ReadOnly is { } readOnly)
            return await TryReadAsync(cancellationToken) is StoreState.Down ? StoreState.Down
                : readOnly.Reason == ReadOnlyReason.Standby ? StoreState.Healthy
                : StoreState.ReadOnly;

        // Half of the time limit of a probe; the other half is for the replicas.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(CheckTimeout);
        try
        {
            // The write fails on a primary that cannot write or that has become a replica.
            await database.WriteAsync(
                Operation,
                async (connection, token) =>
                {
                    await using var command = new NpgsqlCommand(CheckSql, connection);
                    return await command.ExecuteNonQueryAsync(token);
                },
                limit.Token
            );
            if (!database.LastWrite.HasFailed)
                return StoreState.Healthy;
            Log.WritesFail(logger);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            Log.PrimaryUnhealthy(logger, error);
        }

        return await TryReadAsync(cancellationToken);
    }

    private async Task<StoreState> TryReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            await database.ReadNearAsync(
                async (connection, token) =>
                {
                    await using var command = new NpgsqlCommand("SELECT 1", connection);
                    return await command.ExecuteScalarAsync(token);
                },
                cancellationToken
            );
            return StoreState.ReadOnly;
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            Log.ReplicasUnhealthy(logger, error);
            return StoreState.Down;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "PostgreSQL accepts no writes")]
        public static partial void PrimaryUnhealthy(ILogger logger, Exception error);

        [LoggerMessage(2, LogLevel.Warning, "No PostgreSQL server answers")]
        public static partial void ReplicasUnhealthy(ILogger logger, Exception error);

        [LoggerMessage(3, LogLevel.Warning, "PostgreSQL accepts the health check's write, but the last write of a request failed")]
        public static partial void WritesFail(ILogger logger);
    }
}
