namespace UrlShortener.Runtime.Clicks.Loading;

/// <summary>A partition of this process, and what is under way for it.</summary>
internal sealed class PartitionLoad : IDisposable
{
    private readonly CancellationTokenSource _cancel = new();
    private readonly CancellationToken _cancelled;

    /// <summary>Makes one that does not know where to begin.</summary>
    /// <param name="partition">Its number.</param>
    public PartitionLoad(int partition)
    {
        Queue = new PartitionQueue(partition);
        // Of the source itself it cannot be had once that is disposed of.
        _cancelled = _cancel.Token;
    }

    /// <summary>Its records.</summary>
    public PartitionQueue Queue { get; }

    /// <summary>Whether nothing is received of it. So at first: where to begin is not known yet.</summary>
    public bool IsPaused { get; set; }

    /// <summary>Whether it has a turn: more memory than the others, until its batch is loaded.</summary>
    public bool HasTurn { get; set; }

    /// <summary>The question where to begin, under way.</summary>
    public Task<StartingPoint>? Positioning { get; set; }

    /// <summary>The load of a batch, under way; its result: whether the partition was where the batch begins.</summary>
    public Task<bool>? Loading { get; set; }

    /// <summary>Since when the log has ended before the position, and where it ended then.</summary>
    public (long At, long High)? Shorter { get; set; }

    /// <summary>Why nothing of it could be loaded last; null: it could.</summary>
    public string? Trouble { get; set; }

    /// <summary>Ends both when the partition is gone.</summary>
    public CancellationToken Cancelled => _cancelled;

    /// <summary>Its place in the order in which partitions began a batch last; 0: none yet.</summary>
    public long Started { get; set; }

    /// <summary>Waits for what is under way for some partitions, then cancels it.</summary>
    public static void End(IReadOnlyList<PartitionLoad> loads, TimeSpan patience)
    {
        Task[] all = [.. loads.SelectMany(load => new Task?[] { load.Positioning, load.Loading }).OfType<Task>()];
        if (WaitFor(all, patience))
            return;
        foreach (var load in loads)
            load._cancel.Cancel();
        WaitFor(all, patience);
    }

    /// <inheritdoc />
    public void Dispose() => _cancel.Dispose();

    /// <summary>Waits for tasks, whatever they end with.</summary>
    /// <returns>Whether all have ended.</returns>
    public static bool WaitFor(Task[] all, TimeSpan patience)
    {
        try
        {
            return Task.WaitAll(all, patience);
        }
        catch (AggregateException)
        {
            // Its owner reads what it ended with.
            return true;
        }
    }
}

/// <summary>Where the load of a partition begins.</summary>
/// <param name="Topic">Id of the topic.</param>
/// <param name="Position">Where it stands.</param>
/// <param name="Low">First offset of the log.</param>
/// <param name="High">Offset after its last record.</param>
internal readonly record struct StartingPoint(Guid Topic, LoadPosition Position, long Low, long High);
