namespace UrlShortener.Runtime.Keys.Generation;

/// <summary>
/// Divides the codes missing in the pool among parallel batch loops. The level is counted again after each batch, so that codes from other services count too.
/// A batch under way is added to the level until it is done. Several services that fill one pool may exceed the target only by the batches that each has under
/// way.
/// </summary>
/// <param name="level">Codes in the pool.</param>
/// <param name="target">Number of codes to reach.</param>
/// <param name="count">Counts the codes in the pool.</param>
internal sealed class PoolFill(long level, long target, Func<CancellationToken, Task<long>> count) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private long _level = level;
    private long _underWay;
    private volatile bool _isStopped;

    /// <summary>Number of codes in the pool when they were last counted.</summary>
    public long Level => Volatile.Read(ref _level);

    /// <summary>Whether the pool has reached the target.</summary>
    public bool IsComplete => Level >= target;

    /// <summary>Prevents further batches from starting.</summary>
    public void Stop() => _isStopped = true;

    /// <summary>Records that a batch is done, and returns the size of the next; 0 if there is none.</summary>
    /// <param name="done">Size of the batch that is done; 0 on the first call.</param>
    /// <param name="largest">Size of the largest batch.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<int> NextAsync(int done, int largest, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            // Count before the batch stops being under way; otherwise another loop would see its codes in neither place.
            if (done > 0)
                Volatile.Write(ref _level, await count(cancellationToken));
            _underWay -= done;
            if (_isStopped)
                return 0;
            var next = (int)Math.Clamp(target - _level - _underWay, 0, largest);
            _underWay += next;
            return next;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc />
    public void Dispose() => _turn.Dispose();
}
