namespace UrlShortener.Runtime.Keys.Generation;

/// <summary>A command to fill the pool now, passed from an endpoint to the worker. Commands that arrive before the worker checks count as one.</summary>
internal sealed class RefillSignal(TimeProvider time)
{
    // Only the worker replaces it.
    private volatile TaskCompletionSource _commanded = NewCommand();

    /// <summary>Commands a refill, and ends the worker's wait.</summary>
    public void Command() => _commanded.TrySetResult();

    /// <summary>Returns whether a refill was commanded since the last call. Only the worker calls it.</summary>
    public bool TryTake()
    {
        if (!_commanded.Task.IsCompleted)
            return false;
        _commanded = NewCommand();
        return true;
    }

    /// <summary>Waits for a command, up to a time limit. Does not take the command.</summary>
    public async Task WaitAsync(TimeSpan longest, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(_commanded.Task, Task.Delay(longest, time, end.Token));
        await end.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    private static TaskCompletionSource NewCommand() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
