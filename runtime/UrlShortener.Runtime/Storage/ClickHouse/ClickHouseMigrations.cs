using System.Globalization;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Health;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.ClickHouse;

/// <summary>
/// Brings the tables of ClickHouse up to date. There are no transactions: every statement can run again, in two processes at once too, and a migration is noted
/// after its last statement.
/// </summary>
internal sealed partial class ClickHouseMigrations(
    ClickHouseDatabase database,
    ClickHouseOptions options,
    ClickOptions clicks,
    ILogger<ClickHouseMigrations> logger
) : IAnalyticsTables, IAnalyticsHealth
{
    private const string VersionsSql = """
        CREATE TABLE IF NOT EXISTS schema_migrations ${ON_CLUSTER} (version UInt32, name String, applied_at DateTime('UTC') DEFAULT now())
        ENGINE = ${REPLICATED}ReplacingMergeTree ORDER BY version
        """;

    private const string AppliedSql = "SELECT DISTINCT version FROM schema_migrations";
    private const string NoteSql = "INSERT INTO schema_migrations (version, name) SELECT {version:UInt32}, {name:String}";
    private const string ClicksEngineSql = "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = 'clicks'";

    /// <inheritdoc />
    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        try
        {
            await database.ExecuteAsync(ClickHouseMigration.Fill(VersionsSql, options.Cluster), cancellationToken);
            var applied = (
                await database.ReadAsync(AppliedSql, row => Convert.ToInt32(row.GetValue(0), CultureInfo.InvariantCulture), cancellationToken)
            ).ToHashSet();
            foreach (var migration in ClickHouseMigration.All.Where(migration => !applied.Contains(migration.Version)))
            {
                foreach (var statement in migration.StatementsFor(options.Cluster))
                    await database.ExecuteAsync(statement, cancellationToken);
                await database.ExecuteAsync(NoteSql, cancellationToken, ("version", migration.Version), ("name", migration.Name));
                Log.Applied(logger, migration.Name);
            }

            await EnsureRetentionAsync(cancellationToken);
        }
        catch (Exception error) when (error is DependencyException || ClickHouseFailure.IsOfServer(error))
        {
            throw ClickHouseFailure.Unusable(error);
        }
    }

    /// <inheritdoc />
    public async Task<bool> CheckAsync(CancellationToken cancellationToken)
    {
        var applied = await database.ProbeAsync(AppliedSql, row => Convert.ToInt32(row.GetValue(0), CultureInfo.InvariantCulture), cancellationToken);
        return ClickHouseMigration.All.All(migration => applied.Contains(migration.Version));
    }

    // By the time with milliseconds: that of a DateTime ends in 2106 and begins again, so that a long retention would delete everything at once, and a date
    // begins when the server's clock says so, up to a day and a half before the day of the click has ended.
    internal static string RetentionOf(int days) => string.Create(CultureInfo.InvariantCulture, $"clicked_at + toIntervalDay({days})");

    private async Task EnsureRetentionAsync(CancellationToken cancellationToken)
    {
        var wanted = RetentionOf(clicks.RetentionDays);
        var engine = (await database.ReadAsync(ClicksEngineSql, row => row.GetString(0), cancellationToken)).SingleOrDefault() ?? "";
        if (engine.Contains($"TTL {wanted} ", StringComparison.Ordinal))
            return;
        // The server then looks through the clicks that it has, in the background.
        await database.ExecuteAsync($"ALTER TABLE clicks MODIFY TTL {wanted}", cancellationToken);
        Log.RetentionSet(logger, clicks.RetentionDays);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Migrated ClickHouse by {Migration}")]
        public static partial void Applied(ILogger logger, string migration);

        [LoggerMessage(2, LogLevel.Information, "ClickHouse keeps single clicks for {Days} days")]
        public static partial void RetentionSet(ILogger logger, int days);
    }
}
