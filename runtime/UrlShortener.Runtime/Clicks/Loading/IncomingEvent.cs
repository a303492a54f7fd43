using System.Buffers.Binary;
using System.Security.Cryptography;

namespace UrlShortener.Runtime.Clicks.Loading;

/// <summary>A record of the topic.</summary>
/// <param name="Offset">Its place in the partition.</param>
/// <param name="Id">Id of the event; none when it is no event.</param>
/// <param name="Click">Its click; nothing when it is no event.</param>
/// <param name="Rejected">Why it is no event, with its bytes; null when it is one.</param>
internal readonly record struct IncomingEvent(long Offset, Guid Id, StoredClick Click, RejectedRecord? Rejected)
{
    /// <summary>Whether the click is in the totals of its link already.</summary>
    public bool IsCounted { get; init; }

    /// <summary>Memory of its texts, without those that other events have as well.</summary>
    public int TextBytes { get; init; }

    // The record itself, in a list that grows by doubling.
    private const int FixedBytes = 288;

    /// <summary>Approximate memory, in bytes.</summary>
    public int ApproximateBytes => FixedBytes + TextBytes + (Rejected?.Value.Length ?? 0);
}

/// <summary>A record that cannot be loaded.</summary>
/// <param name="Reason">Why: a constant of <see cref="LoadMetrics"/>'s label.</param>
/// <param name="Value">Its bytes.</param>
internal sealed record RejectedRecord(string Reason, byte[] Value);

/// <summary>Records of one partition, from one offset to before another, that are loaded together.</summary>
/// <param name="Topic">Id of the topic. A topic that is made anew under the same name has another one, and its offsets begin again.</param>
/// <param name="Partition">Number of the partition.</param>
/// <param name="From">First offset.</param>
/// <param name="To">Offset after the last one.</param>
/// <param name="Events">The records. Their offsets may have gaps: Kafka gives some to records of its own.</param>
internal sealed record EventBatch(Guid Topic, int Partition, long From, long To, IReadOnlyList<IncomingEvent> Events)
{
    /// <summary>A copy does not have the id of its original.</summary>
    private EventBatch(EventBatch other) => (Topic, Partition, From, To, Events) = (other.Topic, other.Partition, other.From, other.To, other.Events);

    /// <summary>
    /// Id of the batch: the same for the same events at the same offsets of the same topic, whoever cuts it. A log that lost its end gives other events the same
    /// offsets.
    /// </summary>
    public Guid Id => _id ??= Hash();

    private const int IdBytes = 16;
    private const int IdsAtOnce = 256;

    private Guid? _id;

    private Guid Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> place = stackalloc byte[36];
        Topic.TryWriteBytes(place, bigEndian: true, out _);
        BinaryPrimitives.WriteInt32BigEndian(place[16..], Partition);
        BinaryPrimitives.WriteInt64BigEndian(place[20..], From);
        BinaryPrimitives.WriteInt64BigEndian(place[28..], To);
        hash.AppendData(place);
        // Many at a time: a call takes longer than its 16 bytes.
        Span<byte> ids = stackalloc byte[IdBytes * IdsAtOnce];
        var length = 0;
        foreach (var incoming in Events)
        {
            incoming.Id.TryWriteBytes(ids[length..]);
            length += IdBytes;
            if (length < ids.Length)
                continue;
            hash.AppendData(ids);
            length = 0;
        }

        hash.AppendData(ids[..length]);
        Span<byte> result = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(result);
        return new Guid(result[..IdBytes]);
    }
}
