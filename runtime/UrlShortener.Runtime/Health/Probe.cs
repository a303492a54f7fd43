namespace UrlShortener.Runtime.Health;

/// <summary>Caches the result of a check: one check at a time, and at most one per second, however many callers ask. Never fails.</summary>
/// <param name="ask">The check. It stops when its token is cancelled.</param>
/// <param name="whenSilent">The result when the check fails or does not answer in time.</param>
/// <param name="onFailure">Called with the exception of a failed check.</param>
/// <param name="time">The clock.</param>
internal sealed class Probe<T>(Func<CancellationToken, Task<T>> ask, T whenSilent, Action<Exception> onFailure, TimeProvider time)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private Task<T>? _last;
    private long _endedAt;

    /// <summary>Returns the state. It is at most one second old at the time of the call.</summary>
    public Task<T> AskAsync()
    {
        lock (_lock)
        {
            if (_last is null || (_last.IsCompleted && time.GetElapsedTime(_endedAt) >= Lifetime))
                _last = Task.Run(RunAsync);
            return _last;
        }
    }

    private async Task<T> RunAsync()
    {
        try
        {
            using var limit = new CancellationTokenSource(Limit, time);
            return await ask(limit.Token).WaitAsync(limit.Token);
        }
        // Catches everything, because a caller must always get a state.
        catch (Exception error)
        {
            onFailure(error);
            return whenSilent;
        }
        finally
        {
            Volatile.Write(ref _endedAt, time.GetTimestamp());
        }
    }
}
