namespace UrlShortener.Runtime.Clicks.Loading;

/// <summary>
/// How far each partition is loaded, kept beside the totals of links, so that both change in one transaction. Several processes may load the same partition for
/// a while: only one of them completes a batch, and a batch that one has begun is cut in the same way by all others.
/// </summary>
internal interface ILoadProgress
{
    /// <summary>Where the load of a partition stands; null: it never began.</summary>
    Task<LoadPosition?> ReadAsync(Guid topic, int partition, CancellationToken cancellationToken);

    /// <summary>Notes that a batch is about to be inserted.</summary>
    /// <returns>False: the partition is not where the batch begins, or another batch was begun there.</returns>
    Task<bool> BeginAsync(EventBatch batch, CancellationToken cancellationToken);

    /// <summary>Notes that a batch is inserted, and counts its clicks by people in the totals of their links.</summary>
    /// <returns>False: another process has done so. Nothing was counted.</returns>
    Task<bool> CompleteAsync(EventBatch batch, IReadOnlyList<StoredClick> counted, CancellationToken cancellationToken);

    /// <summary>Moves the position of a partition whose log ends before it, as after a disaster of Kafka.</summary>
    Task MoveAsync(Guid topic, int partition, LoadPosition from, long to, CancellationToken cancellationToken);
}

/// <summary>Where the load of a partition stands.</summary>
/// <param name="Next">Offset of the first record that is not loaded.</param>
/// <param name="BegunTo">End of the batch that was begun there and may be inserted in part; null: none.</param>
internal readonly record struct LoadPosition(long Next, long? BegunTo);
