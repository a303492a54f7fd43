using UrlShortener.Runtime.Regions;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Looks several times a second whether the region takes changes, so that a promotion or a fence is noticed without a restart.</summary>
internal sealed class PostgresWriteRegionWatch(PostgresWriteRegion writeRegion, WriteAccess access, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    // Longer than a few looks take on a busy machine.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        var known = time.GetTimestamp();
        do
        {
            if (await writeRegion.LookAsync(stoppingToken))
            {
                known = time.GetTimestamp();
                RegionMetrics.Report(access.ReadOnly);
            }
            else if (time.GetElapsedTime(known) > Patience)
            {
                RegionMetrics.Forget();
            }
        } while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
