using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Regions;

namespace UrlShortener.Runtime.Retention;

/// <summary>Deletes the clicks and sums of deleted links, soon after the deletion and in small pieces.</summary>
internal sealed partial class DeletionWorker(IClickRetention clicks, WriteAccess access, TimeProvider time, ILogger<DeletionWorker> logger)
    : RepeatedWork(TimeSpan.FromSeconds(5), access, time)
{
    private const int RecordsPerDelete = 2_000;

    /// <inheritdoc />
    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        while (await clicks.DeleteOfDeletedLinksAsync(RecordsPerDelete, cancellationToken) > 0)
            await Task.Yield();
    }

    /// <inheritdoc />
    protected override void LogFailure(Exception error) => Log.Failed(logger, error);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Cannot delete the clicks of deleted links; retrying every few seconds")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}
