namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>
/// Ends the wait of callers at their time limit, even if a server hangs, and cancels the abandoned calls on a dedicated thread. Before the driver gives up a
/// call, it asks the server to cancel and blocks its thread meanwhile: for seconds if the server hangs. On threads of the thread pool, this would stop the
/// whole process, including work that needs no database. There is only one such thread, because a call that ends during its cancellation waits for the
/// cancellation on a thread of the thread pool.
/// </summary>
internal sealed partial class PostgresCancellations(ILogger<PostgresCancellations> logger)
{
    // An abandoned call either holds a connection, of which there are fewer than this, or waits for one and soon ends by itself.
    private const int Capacity = 10_000;

    private readonly Lock _lock = new();
    private readonly Queue<(Task Call, CancellationTokenSource End)> _waiting = [];
    private bool _isRunning;

    /// <summary>Waits for a call until a token ends the wait. The call may then continue for some time; its result is lost.</summary>
    /// <param name="call">The call. It must stop after its token is cancelled, possibly with a delay.</param>
    /// <param name="cancellationToken">Ends the wait at once.</param>
    /// <param name="release">Releases the result of a call that ended although nobody waited for it any more; null: there is nothing to release.</param>
    public async Task<T> WithinAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken, Action<T>? release = null)
    {
        var end = new CancellationTokenSource();
        var task = call(end.Token);
        try
        {
            return await task.WaitAsync(cancellationToken);
        }
        // The call may end at the very moment at which the wait does.
        catch (OperationCanceledException) when (task.IsCompletedSuccessfully)
        {
            return await task;
        }
        catch (OperationCanceledException) when (!task.IsCanceled)
        {
            // Observe the exception of the abandoned call; the end of the wait has already reported the failure.
            _ = task.ContinueWith(
                left =>
                {
                    if (left.IsCompletedSuccessfully)
                        release?.Invoke(left.Result);
                    return left.Exception;
                },
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default
            );
            Cancel(task, end);
            throw;
        }
    }

    private void Cancel(Task call, CancellationTokenSource end)
    {
        lock (_lock)
        {
            if (_waiting.Count >= Capacity)
                return;
            _waiting.Enqueue((call, end));
            if (_isRunning)
                return;
            _isRunning = true;
        }

        new Thread(Run) { IsBackground = true, Name = "PostgreSQL cancellations" }.UnsafeStart();
    }

    private void Run()
    {
        while (true)
        {
            (Task Call, CancellationTokenSource End) next;
            lock (_lock)
            {
                if (!_waiting.TryDequeue(out next))
                {
                    _isRunning = false;
                    return;
                }
            }

            if (next.Call.IsCompleted)
                continue;
            try
            {
                next.End.Cancel();
            }
            catch (AggregateException error)
            {
                // No other code can observe this exception, and it must not end the process.
                Log.NotCancelled(logger, error);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Cannot cancel a call of PostgreSQL")]
        public static partial void NotCancelled(ILogger logger, Exception error);
    }
}
