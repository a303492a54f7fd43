using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.ClickHouse;

/// <summary>Brings the tables up to date after the start, if <c>ClickHouse:MigrateOnStart</c> asks for it: until then clicks wait in Kafka.</summary>
internal sealed partial class ClickHouseStartMigration(
    IAnalyticsTables tables,
    ClickHouseOptions options,
    TimeProvider time,
    ILogger<ClickHouseStartMigration> logger
) : BackgroundService
{
    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failures = 0;
        while (options.MigrateOnStart && !await TryAsync(failures == 0, stoppingToken))
            await Task.Delay(RetryBackoff.After(++failures), time, stoppingToken);
    }

    private async Task<bool> TryAsync(bool isFirst, CancellationToken cancellationToken)
    {
        try
        {
            await tables.MigrateAsync(cancellationToken);
            return true;
        }
        catch (InvalidOperationException error)
        {
            if (isFirst)
                Log.NotMigrated(logger, error.Message);
            return false;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "ClickHouse cannot be migrated yet, and click events wait in Kafka until it is. {Problem}")]
        public static partial void NotMigrated(ILogger logger, string problem);
    }
}
