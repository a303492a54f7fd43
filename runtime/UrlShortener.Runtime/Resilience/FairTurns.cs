namespace UrlShortener.Runtime.Resilience;

/// <summary>
/// A bounded number of turns, shared among callers. No caller has more than half of them, rounded up, at the same time. A free turn goes to the waiting caller
/// that has the fewest turns; among equals, to the one that has waited longest. So a caller that asks rarely does not queue behind one that asks all the time.
/// </summary>
/// <param name="turns">Maximum number of concurrent turns, at least 1.</param>
internal sealed class FairTurns(int turns)
{
    /// <summary>Maximum number of waiting requests per caller.</summary>
    public const int MaxWaiting = 64;

    private readonly Lock _lock = new();

    // Callers that have a turn or wait for one.
    private readonly Dictionary<long, Caller> _callers = [];
    private readonly int _share = (turns + 1) / 2;
    private int _free = turns;
    private long _asked;

    /// <summary>Waits for a turn. Disposing of the turn ends it.</summary>
    /// <param name="caller">The caller that asks.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="QueryLimitException">Too many requests of this caller wait already.</exception>
    public async Task<Turn> TakeAsync(long caller, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var waiter = new Waiter();
        lock (_lock)
        {
            if (!_callers.TryGetValue(caller, out var state))
                _callers.Add(caller, state = new Caller());
            if (state.Waiting.Count >= MaxWaiting)
                throw new QueryLimitException($"{MaxWaiting} lists, searches and statistics of this user wait already.");
            waiter.Number = _asked++;
            state.Waiting.AddLast(waiter);
            GiveTurns();
        }

        await using var registration = cancellationToken.Register(() => waiter.Turn.TrySetCanceled(cancellationToken));
        try
        {
            await waiter.Turn.Task;
        }
        catch (OperationCanceledException)
        {
            Leave(caller, waiter);
            throw;
        }

        return new Turn(this, caller);
    }

    private void GiveTurns()
    {
        while (_free > 0)
        {
            Caller? next = null;
            foreach (var caller in _callers.Values)
            {
                if (caller.Waiting.Count > 0 && caller.Running < _share && (next is null || IsBefore(caller, next)))
                    next = caller;
            }

            if (next is null)
                return;
            var waiter = next.Waiting.First!.Value;
            next.Waiting.RemoveFirst();
            // A caller that stopped waiting takes no turn.
            if (!waiter.Turn.TrySetResult())
                continue;
            next.Running++;
            _free--;
        }
    }

    private static bool IsBefore(Caller a, Caller b) =>
        a.Running != b.Running ? a.Running < b.Running : a.Waiting.First!.Value.Number < b.Waiting.First!.Value.Number;

    private void Leave(long caller, Waiter waiter)
    {
        lock (_lock)
        {
            if (!_callers.TryGetValue(caller, out var state))
                return;
            state.Waiting.Remove(waiter);
            ForgetIdle(caller, state);
        }
    }

    private void End(long caller)
    {
        lock (_lock)
        {
            var state = _callers[caller];
            state.Running--;
            _free++;
            GiveTurns();
            ForgetIdle(caller, state);
        }
    }

    private void ForgetIdle(long caller, Caller state)
    {
        if (state.Running == 0 && state.Waiting.Count == 0)
            _callers.Remove(caller);
    }

    private sealed class Caller
    {
        public int Running { get; set; }

        public LinkedList<Waiter> Waiting { get; } = [];
    }

    private sealed class Waiter
    {
        public long Number { get; set; }

        public TaskCompletionSource Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>A turn; disposing of it lets the next one begin.</summary>
    internal readonly struct Turn(FairTurns turns, long caller) : IDisposable
    {
        /// <inheritdoc />
        public void Dispose() => turns.End(caller);
    }
}
