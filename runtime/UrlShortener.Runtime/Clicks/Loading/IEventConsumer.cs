namespace UrlShortener.Runtime.Clicks.Loading;

/// <summary>Receives the records of the partitions that this process has. One thread uses it.</summary>
internal interface IEventConsumer : IDisposable
{
    /// <summary>Why it must be replaced: it has failed for good, or would connect differently now; null while it is good.</summary>
    string? Failure { get; }

    /// <summary>Waits for the next record. The owner is told of partitions that come and go in here only.</summary>
    /// <returns>False: none came.</returns>
    bool TryReceive(TimeSpan wait, out int partition, out IncomingEvent incoming);

    /// <summary>Receives no more of a partition.</summary>
    void Pause(int partition);

    /// <summary>Goes on receiving of it.</summary>
    void Resume(int partition);

    /// <summary>Receives of a paused partition again, from an offset.</summary>
    /// <returns>False: the client cannot yet, and the partition stays paused.</returns>
    bool Start(int partition, long offset);

    /// <summary>Tells Kafka how far a partition is loaded, for its tools. The next process does not go by it.</summary>
    void Note(int partition, long offset);

    /// <summary>First offset of a partition, and the one after its last, as last received; null: not known yet.</summary>
    (long Low, long High)? BoundsOf(int partition);

    /// <summary>Asks for the same. From any thread.</summary>
    Task<(long Low, long High)> ReadBoundsAsync(int partition, CancellationToken cancellationToken);

    /// <summary>Asks for the id of the topic. From any thread.</summary>
    Task<Guid> ReadTopicAsync(CancellationToken cancellationToken);
}

/// <summary>Is told which partitions a consumer has.</summary>
internal interface IPartitionOwner
{
    /// <summary>Partitions came.</summary>
    void Gain(IEnumerable<int> partitions);

    /// <summary>Partitions are about to go to another process, which begins after this returns.</summary>
    void Release(IEnumerable<int> partitions);

    /// <summary>Partitions are gone; another process may have them already.</summary>
    void Lose(IEnumerable<int> partitions);
}

/// <summary>Makes consumers.</summary>
internal interface IEventConsumerFactory
{
    /// <summary>Makes one, which joins the others of its group.</summary>
    IEventConsumer Create(IPartitionOwner owner);
}
