namespace UrlShortener.Runtime.Clicks.Loading;

/// <summary>Where clicks are loaded to, and statistics are answered from.</summary>
internal interface IClickWarehouse
{
    /// <summary>The time by its clock.</summary>
    Task<DateTimeOffset> ReadTimeAsync(CancellationToken cancellationToken);

    /// <summary>Finds those of the events that are loaded.</summary>
    /// <returns>By id, where they were when they were loaded. It may hold further events.</returns>
    Task<IReadOnlyDictionary<Guid, LoadedFrom>> FindLoadedAsync(IReadOnlyList<IncomingEvent> events, CancellationToken cancellationToken);

    /// <summary>Inserts clicks in one piece. The same piece again, whatever became of it before, inserts what is missing of it.</summary>
    /// <param name="piece">Id of the piece.</param>
    /// <param name="clicks">The clicks, at least one.</param>
    /// <param name="deadline">By its clock: what arrives later inserts nothing.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task InsertAsync(Guid piece, IReadOnlyList<NewClick> clicks, DateTimeOffset deadline, CancellationToken cancellationToken);

    /// <summary>Notes that clicks are inserted. Their events are found from now on.</summary>
    Task NoteLoadedAsync(EventBatch batch, IReadOnlyList<NewClick> clicks, CancellationToken cancellationToken);
}

/// <summary>Where an event was when it was loaded.</summary>
/// <param name="Topic">Id of the topic.</param>
/// <param name="Partition">Number of the partition.</param>
/// <param name="Offset">Its place there.</param>
internal readonly record struct LoadedFrom(Guid Topic, int Partition, long Offset);

/// <summary>A click to be inserted.</summary>
/// <param name="Event">Its event.</param>
/// <param name="SummedSource">Its source in the sums of the day; null: direct.</param>
internal readonly record struct NewClick(IncomingEvent Event, string? SummedSource);
