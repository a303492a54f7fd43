using System.Runtime.ExceptionServices;
using DbUp;
using DbUp.Engine;
using DbUp.Postgresql;
using Npgsql;
using UrlShortener.Contracts;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Regions;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Migrates the schema and checks that it is up to date.</summary>
internal sealed partial class PostgresMigrations(
    PostgresHosts hosts,
    PostgresWriteRegion writeRegion,
    PostgresOptions options,
    TimeProvider time,
    ILogger<PostgresMigrations> logger
) : IDatabase
{
    // Only our own migrations take this lock; the number is arbitrary.
    private const long MigrationLock = 0x75726C73;

    // A migration may have to read every stored click.
    private static readonly TimeSpan MigrationLimit = TimeSpan.FromHours(4);

    // The Job of an operator may take a quarter of an hour.
    private static readonly TimeSpan ReplicationLimit = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan ReplicationInterval = TimeSpan.FromSeconds(1);

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
        // A region that takes no changes cannot migrate. Its tables come by replication.
        var (readOnly, failure) = writeRegion.Look();
        if (readOnly is null && (options.MigrateOnStart ?? isDevelopment))
        {
            if (failure is not null)
                throw PostgresFailure.Unusable(failure);
            Migrate();
            return true;
        }

        int missing;
        try
        {
            if (failure is not null)
                ExceptionDispatchInfo.Throw(failure);
            missing = CountMissing(readOnly is null ? hosts.AnyPrimary : hosts.Newest);
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

        if (missing > 0)
            throw new InvalidOperationException(
                $"{SchemaState.BehindAtStart}, by {missing} migrations. "
                    + (readOnly is null ? "Run `migrate` first, or set Postgres:MigrateOnStart." : Explain(readOnly))
            );
        return false;
    }

    /// <inheritdoc />
    public void Migrate() => Migrate(ReplicationLimit);

    /// <summary>The same.</summary>
    /// <param name="patience">How long a region that takes no changes waits for tables that come by replication.</param>
    internal void Migrate(TimeSpan patience)
    {
        try
        {
            if (ComesByReplication(patience))
                return;
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

    // Returns once the tables are up to date in a region that takes no changes; false: it takes them.
    private bool ComesByReplication(TimeSpan patience)
    {
        var started = time.GetTimestamp();
        for (var isTold = false; ; isTold = true)
        {
            var (readOnly, failure) = writeRegion.Look();
            if (failure is not null)
                ExceptionDispatchInfo.Throw(failure);
            if (readOnly is null)
                return false;
            var missing = CountMissing(hosts.Newest);
            if (missing == 0)
                return true;
            if (time.GetElapsedTime(started) >= patience)
                throw new InvalidOperationException(
                    $"The tables in ConnectionStrings:Postgres are behind this version by {missing} migrations. {Explain(readOnly)}"
                );
            if (!isTold)
                Log.Waits(logger, missing, Explain(readOnly));
            Task.Delay(ReplicationInterval, time).GetAwaiter().GetResult();
        }
    }

    private static string Explain(ReadOnlyRegion readOnly) =>
        readOnly.Writer is { } writer
            ? $"This region takes no changes; they come by replication once the region {writer} is migrated."
            : "This region takes no changes: its database is fenced. Migrate it when it takes them again.";

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
        var result = Upgrade(hosts.AnyPrimary).PerformUpgrade();
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

    private static int CountMissing(NpgsqlDataSource source) => Upgrade(source).GetScriptsToExecute().Count;

    private static UpgradeEngine Upgrade(NpgsqlDataSource source) =>
        DeployChanges
            .To.PostgresqlDatabase(new PostgresqlConnectionManager(source))
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

        [LoggerMessage(2, LogLevel.Information, "The tables are behind this version by {Count} migrations; waiting for them. {Why}")]
        public static partial void Waits(ILogger logger, int count, string why);
    }
}
