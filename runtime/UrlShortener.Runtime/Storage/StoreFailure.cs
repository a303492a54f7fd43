using System.Data.Common;
using Microsoft.Data.Sqlite;
using Npgsql;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Storage.Postgres;

namespace UrlShortener.Runtime.Storage;

/// <summary>What a failure of a store means to a caller.</summary>
internal sealed class StoreFailure : IFailureClassifier
{
    // SQLITE_ERROR, SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_RANGE.
    private static readonly HashSet<int> SqliteStatementErrors = [1, 18, 19, 20, 25];

    /// <summary>
    /// Whether trying again later may help: the store is away, busy or was stopped. A store that answers, and refuses a value (SQLSTATE class 22), a row
    /// (23) or the statement itself (42), is a fault of ours.
    /// </summary>
    public static bool IsUnavailable(Exception error) =>
        error switch
        {
            SqliteException { SqliteErrorCode: var code } => !SqliteStatementErrors.Contains(code),
            DbException { SqlState: ['2', '2' or '3', ..] or ['4', '2', ..] } => false,
            DbException or TimeoutException or DependencyException => true,
            _ => false,
        };

    /// <summary>Whether a driver of a store threw the exception.</summary>
    public static bool IsOfDriver(Exception error) => error is DbException;

    /// <summary>The failure with a message for an operator. A driver's refusal of its connection string becomes an error of the configuration.</summary>
    public static Exception Explain(Exception error) => error is NpgsqlException ? PostgresFailure.Unusable(error) : error;

    /// <inheritdoc />
    bool IFailureClassifier.IsUnavailable(Exception error) => IsUnavailable(error);
}
