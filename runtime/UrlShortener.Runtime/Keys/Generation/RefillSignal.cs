namespace UrlShortener.Runtime.Keys.Generation;

/// <summary>A command to fill the pool now, handed from an endpoint to the worker. Commands that come before the worker looks are one.</summary>
internal sealed class RefillSignal(TimeProvider time)
{
    // Replaced by the worker alone.
    private volatile TaskCompletionSource _commanded = NewCommand();

    /// <summary>Commands a refill, and ends the worker's wait.</summary>
    public void Command() => _commanded.TrySetResult();

    /// <summary>Whether a refill was commanded since the last call. For the worker.</summary>
    public bool TryTake()
    {
        if (!_commanded.Task.IsCompleted)
            return false;
        _commanded = NewCommand();
        return true;
    }

    /// <summary>Waits for a command, so long and no longer. Does not take it.</summary>
    public async Task WaitAsync(TimeSpan longest, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(_commanded.Task, Task.Delay(longest, time, end.Token));
        await end.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    private static TaskCompletionSource NewCommand() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
