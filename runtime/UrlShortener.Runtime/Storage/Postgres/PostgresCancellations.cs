namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>
/// Lets callers leave when their time is up, whatever a server does, and cancels what they left behind on a thread of its own. The driver asks the server to
/// cancel before it gives a call up, and blocks its thread for as long as that takes: seconds with a server that hangs. On the threads of the pool this
/// would stop the whole process, what needs no database included. It is one thread because a call that ends meanwhile waits for its cancellation on a
/// thread of the pool.
/// </summary>
internal sealed partial class PostgresCancellations(ILogger<PostgresCancellations> logger)
{
    // What is left behind holds a connection, of which there are fewer, or waits for one, which ends by itself soon.
    private const int Capacity = 10_000;

    private readonly Lock _lock = new();
    private readonly Queue<(Task Call, CancellationTokenSource End)> _waiting = [];
    private bool _isRunning;

    /// <summary>Waits for a call until a token ends the wait. The call may go on for some time then; its result is lost.</summary>
    /// <param name="call">Honours its token, sooner or later.</param>
    /// <param name="cancellationToken">Ends the wait at once.</param>
    public async Task<T> WithinAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        var end = new CancellationTokenSource();
        var task = call(end.Token);
        try
        {
            return await task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (!task.IsCompleted)
        {
            // Its failure, which will come, is known already: by the end of the wait.
            _ = task.ContinueWith(static left => left.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
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

        new Thread(Run) { IsBackground = true, Name = "PostgreSQL cancellations" }.Start();
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
                // Nobody else could hear of it, and it must not end the process.
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
