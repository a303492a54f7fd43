using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Clicks.Results;

/// <summary>
/// Stores the results of the Flink job. Storing a row again changes nothing, so a batch is stored first and noted after that: whatever dies in between, nothing
/// is missing and nothing counts twice. While the store does not work, nothing more is received.
/// </summary>
internal sealed partial class ResultLoader(
    IResultConsumerFactory consumers,
    IResultTables tables,
    ClickOptions options,
    TimeProvider time,
    ILogger<ResultLoader> logger
) : BackgroundService
{
    private const int MaxRows = 20_000;
    private bool _isFailing;

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Whatever comes is late from now on, also if nothing ever comes.
        ResultMetrics.Newest.IncTo(time.GetUtcNow().ToUnixTimeSeconds());
        for (var failures = 0; !stoppingToken.IsCancellationRequested; )
        {
            try
            {
                using var consumer = consumers.Create();
                while (!stoppingToken.IsCancellationRequested && consumer.Failure is null)
                {
                    await LoadAsync(consumer, stoppingToken);
                    failures = 0;
                }

                if (consumer.Failure is { } failure)
                    Log.ConsumerReplaced(logger, failure);
            }
            catch (Exception error) when (error.IsStopBy(stoppingToken))
            {
                return;
            }
            // Received again by the next consumer.
            catch (Exception error)
            {
                Tell(error.Message);
                await Task.Delay(RetryBackoff.After(++failures), time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task LoadAsync(IResultConsumer consumer, CancellationToken stoppingToken)
    {
        // The client blocks the thread until a record comes.
        var rows = await Task.Factory.StartNew(() => Receive(consumer, stoppingToken), stoppingToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        foreach (var (kind, ofKind) in rows)
        {
            await tables.StoreAsync(kind, ofKind, stoppingToken);
            ResultMetrics.CountStored(kind, ofKind);
        }

        consumer.NoteStored();
        if (rows.Count > 0)
            Tell(null);
    }

    // As many as come within the interval.
    private Dictionary<ResultKind, List<ResultRow>> Receive(IResultConsumer consumer, CancellationToken stoppingToken)
    {
        var rows = new Dictionary<ResultKind, List<ResultRow>>();
        var started = time.GetTimestamp();
        for (var count = 0; count < MaxRows && !stoppingToken.IsCancellationRequested; count++)
        {
            var left = options.LoadInterval - time.GetElapsedTime(started);
            if (left <= TimeSpan.Zero)
                break;
            if (!consumer.TryReceive(left, out var received))
                continue;
            if (received.Row is not { } row)
            {
                ResultMetrics.CountRejected(received.Kind);
                continue;
            }

            if (!rows.TryGetValue(received.Kind, out var ofKind))
                rows[received.Kind] = ofKind = [];
            ofKind.Add(row);
        }

        return rows;
    }

    // Once when it begins, and once when it ends.
    private void Tell(string? trouble)
    {
        if (!_isFailing && trouble is not null)
            Log.Failing(logger, trouble);
        else if (_isFailing && trouble is null)
            Log.Recovered(logger);
        _isFailing = trouble is not null;
        ResultMetrics.Failing.Set(_isFailing ? 1 : 0);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Results of the Flink job cannot be loaded; retrying: {Reason}")]
        public static partial void Failing(ILogger logger, string reason);

        [LoggerMessage(2, LogLevel.Information, "Results of the Flink job are loaded again.")]
        public static partial void Recovered(ILogger logger);

        [LoggerMessage(3, LogLevel.Information, "The Kafka client of Flink's results is replaced: {Reason}")]
        public static partial void ConsumerReplaced(ILogger logger, string reason);
    }
}
