namespace UrlShortener.Runtime.Keys.Generation;

/// <summary>
/// Shares out what is missing in the pool among parallel batch loops. The level is counted again after each batch, so that what others put in counts too. A
/// batch under way is counted on top of the level until it is done; several services that fill one pool may exceed the target by what each has under way, no
/// more.
/// </summary>
/// <param name="level">Codes in the pool.</param>
/// <param name="target">Codes that shall be in it.</param>
/// <param name="count">Counts the codes in it.</param>
internal sealed class PoolFill(long level, long target, Func<CancellationToken, Task<long>> count) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private long _level = level;
    private long _underWay;
    private volatile bool _isStopped;

    /// <summary>Codes in the pool when they were last counted.</summary>
    public long Level => Volatile.Read(ref _level);

    /// <summary>Whether the pool has what it shall have.</summary>
    public bool IsComplete => Level >= target;

    /// <summary>Lets no further batch begin.</summary>
    public void Stop() => _isStopped = true;

    /// <summary>Notes that a batch is done, and gives the size of the next; 0: no more.</summary>
    /// <param name="done">Size of the batch that is done; 0 at first.</param>
    /// <param name="largest">Size of the largest batch.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<int> NextAsync(int done, int largest, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            // Counted before the batch ceases to be under way, or another loop would see it in neither.
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
