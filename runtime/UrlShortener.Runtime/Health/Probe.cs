namespace UrlShortener.Runtime.Health;

/// <summary>Asks for the state of something: once at a time, and again after a second, however many want to know. Never fails.</summary>
/// <param name="ask">Asks; ends at its token.</param>
/// <param name="whenSilent">The state of what fails, or does not answer in time.</param>
/// <param name="onFailure">Called with what failed.</param>
/// <param name="time">The clock.</param>
internal sealed class Probe<T>(Func<CancellationToken, Task<T>> ask, T whenSilent, Action<Exception> onFailure, TimeProvider time)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private Task<T>? _last;
    private long _endedAt;

    /// <summary>The state, a second old at most when the question was put.</summary>
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
        // Whatever it is: who asks for the state gets one.
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
