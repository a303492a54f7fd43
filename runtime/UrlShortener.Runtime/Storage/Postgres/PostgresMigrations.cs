using DbUp;
using DbUp.Engine;
using DbUp.Postgresql;
using Npgsql;
using UrlShortener.Contracts;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Migrates the schema and checks that it is up to date.</summary>
internal sealed partial class PostgresMigrations(PostgresHosts hosts, PostgresOptions options, TimeProvider time, ILogger<PostgresMigrations> logger)
    : IDatabase
{
    // Only our own migrations take this lock; the number is arbitrary.
    private const long MigrationLock = 0x75726C73;

    // A migration may have to read every stored click.
    private static readonly TimeSpan MigrationLimit = TimeSpan.FromHours(4);

    /// <inheritdoc />
    public bool Exists => true;

    /// <inheritdoc />
    public void Acquire()
    {
        // Any number of processes may serve from the database.
    }

    /// <inheritdoc />
    public bool Prepare(bool isDevelopment)
    {
        if (options.MigrateOnStart ?? isDevelopment)
        {
            Migrate();
            return true;
        }

        List<SqlScript> missing;
        try
        {
            missing = Upgrade().GetScriptsToExecute();
        }
        catch (NpgsqlException error) when (PostgresFailure.IsRefusal(error))
        {
            throw PostgresFailure.Unusable(error);
        }
        // Cached links redirect without the database, and it may come back. If a start waited for it, an outage of the database would stop every new process.
        catch (Exception error) when (error is NpgsqlException or TimeoutException)
        {
            Log.NotReachableAtStart(logger, error);
            return false;
        }

        if (missing.Count > 0)
            throw new InvalidOperationException(
                $"{SchemaState.BehindAtStart}, by {missing.Count} migrations. Run `migrate` first, or set " + "Postgres:MigrateOnStart."
            );
        return false;
    }

    /// <inheritdoc />
    public void Migrate()
    {
        try
        {
            MigrateInTurn();
            using var connection = hosts.AnyPrimary.OpenConnection();
            PostgresPartitions.EnsureIndexes(connection);
            PostgresUsage.CountUncounted(connection);
        }
        catch (Exception error) when (error is NpgsqlException or TimeoutException)
        {
            throw PostgresFailure.Unusable(error);
        }
    }

    private void MigrateInTurn()
    {
        // Held until the end of the transaction, even after a failure. A second process waits, and then finds that nothing is left to do.
        using var turn = hosts.AnyPrimary.OpenConnection();
        using var transaction = turn.BeginTransaction();
        using (
            var take = new NpgsqlCommand("SELECT pg_advisory_xact_lock($1)", turn, transaction)
            {
                CommandTimeout = (int)MigrationLimit.TotalSeconds,
                Parameters = { new() { Value = MigrationLock } },
            }
        )
            take.ExecuteNonQuery();
        var result = Upgrade().PerformUpgrade();
        if (!result.Successful)
            throw new InvalidOperationException(
                $"The tables in ConnectionStrings:Postgres could not be brought up to "
                    + $"date{(result.ErrorScript is { } script ? $" by {script.Name}" : "")}: {result.Error.Message}",
                result.Error
            );
        using var connection = hosts.AnyPrimary.OpenConnection();
        PostgresPartitions.Ensure(connection, time.GetUtcNow(), options);
    }

    /// <summary>Whether an embedded file is a migration.</summary>
    public static bool IsMigration(string name) => name.Contains(".Postgres.Migrations.", StringComparison.Ordinal);

    private UpgradeEngine Upgrade() =>
        DeployChanges
            .To.PostgresqlDatabase(new PostgresqlConnectionManager(hosts.AnyPrimary))
            .WithScriptsEmbeddedInAssembly(typeof(PostgresMigrations).Assembly, IsMigration)
            .WithTransactionPerScript()
            .WithVariablesDisabled()
            .WithExecutionTimeout(MigrationLimit)
            .LogToNowhere()
            .Build();

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Cannot reach PostgreSQL; starting without it and without a check of its tables")]
        public static partial void NotReachableAtStart(ILogger logger, Exception error);
    }
}
