namespace UrlShortener.Runtime.Clicks.Loading;

/// <summary>
/// Loads one batch of events. Whatever fails or dies in between, the batch is loaded again from the start: what is inserted already is recognised, by the id of
/// the batch while it is inserted in part, by the ids of its events afterwards. Totals of links are counted in the transaction that ends the batch.
/// </summary>
internal sealed class BatchLoader(ILoadProgress progress, IClickWarehouse warehouse, IDeadLetters deadLetters)
{
    /// <summary>How long the insert of a batch may be under way, its look at what is loaded included. The warehouse remembers its batches for longer.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>Loads a batch.</summary>
    /// <returns>False: the partition is somewhere else; another process loads it, or has done so.</returns>
    public async Task<bool> LoadAsync(EventBatch batch, SourceLimit sources, CancellationToken cancellationToken)
    {
        using var timer = Prometheus.TimerExtensions.NewTimer(LoadMetrics.Seconds);
        if (!await progress.BeginAsync(batch, cancellationToken))
            return false;
        // Before the look at what is loaded: a process that stands still after it must not insert what others have loaded meanwhile.
        var now = await warehouse.ReadTimeAsync(cancellationToken);
        var loaded = await warehouse.FindLoadedAsync(batch.Events, cancellationToken);
        var sorted = SortedBatch.Sort(batch, loaded, sources, now);
        if (sorted.New.Count > 0)
        {
            await warehouse.InsertAsync(batch.Id, sorted.New, now + Limit, cancellationToken);
            await warehouse.NoteLoadedAsync(batch, sorted.New, cancellationToken);
        }

        if (sorted.Rejected.Count > 0)
            await deadLetters.SendAsync(batch, sorted.Rejected, cancellationToken);
        if (!await progress.CompleteAsync(batch, sorted.Counted, cancellationToken))
            return false;
        LoadMetrics.Count(sorted);
        return true;
    }
}
