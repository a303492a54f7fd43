using System.Data.Common;
using System.Net.Sockets;
using ClickHouse.Driver;
using Confluent.Kafka;
using Microsoft.Data.Sqlite;
using Npgsql;
using StackExchange.Redis;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Storage.Postgres;

namespace UrlShortener.Runtime.Storage;

/// <summary>Classifies failures of a store.</summary>
internal sealed class StoreFailure : IFailureClassifier
{
    // SQLITE_ERROR, SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_RANGE.
    private static readonly HashSet<int> SqliteStatementErrors = [1, 18, 19, 20, 25];

    /// <summary>
    /// Whether trying again later may help: the store is unavailable, busy or was stopped. If the store answers but rejects a value (SQLSTATE class 22), a row
    /// (23) or the statement itself (42), the error is a bug of ours.
    /// </summary>
    public static bool IsUnavailable(Exception error) =>
        error switch
        {
            SqliteException { SqliteErrorCode: var code } => !SqliteStatementErrors.Contains(code),
            DbException { SqlState: ['2', '2' or '3', ..] or ['4', '2', ..] } => false,
            DbException or TimeoutException or DependencyException => true,
            _ => false,
        };

    /// <summary>Whether an exception, or one that caused it, tells of a server, the network or a disk, and none tells of a bug of ours.</summary>
    public static bool IsOfDependency(Exception error)
    {
        var isOne = false;
        for (var cause = error; cause is not null; cause = cause.InnerException)
        {
            if (cause is DbException && !IsUnavailable(cause))
                return false;
            isOne |=
                cause
                    is DbException
                        or DependencyException
                        or TimeoutException
                        or RedisException
                        or KafkaException
                        or ClickHouseServerException
                        or HttpRequestException
                        or SocketException
                        or IOException;
        }

        return isOne;
    }

    /// <summary>Whether the exception comes from the driver of a store.</summary>
    public static bool IsOfDriver(Exception error) => error is DbException;

    /// <summary>Returns the failure with a message for an operator. If the driver rejects its connection string, that is a configuration error.</summary>
    public static Exception Explain(Exception error) => error is NpgsqlException ? PostgresFailure.Unusable(error) : error;

    /// <inheritdoc />
    bool IFailureClassifier.IsUnavailable(Exception error) => IsUnavailable(error);
}
