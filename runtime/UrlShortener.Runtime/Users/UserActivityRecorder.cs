using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Users;

/// <summary>Writes periodically when users were last active: many users at once, never within a request.</summary>
internal sealed partial class UserActivityRecorder(
    UserDirectory users,
    IUserStore store,
    WriteAccess access,
    TimeProvider time,
    ILogger<UserActivityRecorder> logger
) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    /// <inheritdoc />
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await RecordAsync(cancellationToken);
        }
        // Running out of time here must not fail the stop.
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            Log.NotRecordedInTime(logger);
        }
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
            await RecordAsync(stoppingToken);
    }

    private async Task RecordAsync(CancellationToken cancellationToken)
    {
        var activity = users.TakeActivity();
        // In a region that takes no changes, activity is forgotten: the list must not grow.
        if (activity.Count == 0 || access.IsReadOnly)
            return;
        try
        {
            await store.RecordActivityAsync(activity, cancellationToken);
        }
        catch (Exception error) when (!error.IsStopBy(cancellationToken))
        {
            // The next request of the same user corrects this.
            Log.NotRecorded(logger, activity.Count, error);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Cannot record the last activity of {Count} users")]
        public static partial void NotRecorded(ILogger logger, int count, Exception error);

        [LoggerMessage(2, LogLevel.Warning, "Cannot record the last activity of users before the shutdown timeout")]
        public static partial void NotRecordedInTime(ILogger logger);
    }
}
