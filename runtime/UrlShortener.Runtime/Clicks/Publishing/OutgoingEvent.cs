using UrlShortener.Runtime.Clicks.Spool;

namespace UrlShortener.Runtime.Clicks.Publishing;

/// <summary>An event between the spool and its delivery report. The publisher's thread only.</summary>
internal sealed class OutgoingEvent
{
    private const int ObjectBytes = 256;

    private byte[] _content = [];
    private int _keyLength;
    private int _valueLength;

    /// <summary>Its key, UTF-8; none once it has arrived.</summary>
    public ReadOnlySpan<byte> Key => _content.AsSpan(0, _keyLength);

    /// <summary>The event; empty once it has arrived.</summary>
    public ReadOnlySpan<byte> Value => _content.AsSpan(_keyLength, _valueLength);

    /// <summary>The place behind it in the spool.</summary>
    public SpoolPosition Position { get; private set; }

    /// <summary>Approximate memory while it is not confirmed, the copy of the client included.</summary>
    public int ApproximateBytes { get; private set; }

    /// <summary>Number of the producer that has it.</summary>
    public int Producer { get; private set; }

    /// <summary>When it was sent last, as a timestamp.</summary>
    public long SentAt { get; private set; }

    /// <summary>How often it was sent. Each time has a report of its own.</summary>
    public int Sends { get; private set; }

    /// <summary>Whether it has arrived.</summary>
    public bool IsConfirmed { get; private set; }

    /// <summary>Makes it this event, which was not sent yet.</summary>
    /// <param name="spooled">The event.</param>
    /// <param name="content">Gets a copy of its key and value. Has room for both.</param>
    public void Fill(SpooledEvent spooled, byte[] content)
    {
        spooled.Key.CopyTo(content);
        spooled.Value.CopyTo(content.AsSpan(spooled.Key.Length));
        (_content, _keyLength, _valueLength, Position) = (content, spooled.Key.Length, spooled.Value.Length, spooled.Position);
        ApproximateBytes = ObjectBytes + (2 * (_keyLength + _valueLength));
        (Producer, SentAt, Sends, IsConfirmed) = (0, 0, 0, false);
    }

    /// <summary>It is sent.</summary>
    /// <param name="producer">Number of the producer.</param>
    /// <param name="at">A timestamp.</param>
    public void Sent(int producer, long at) => (Producer, SentAt, Sends) = (producer, at, Sends + 1);

    /// <summary>It has arrived: only its place in the spool is needed from now on.</summary>
    /// <returns>The memory that it had.</returns>
    public byte[] Confirm()
    {
        var content = _content;
        (_content, _keyLength, _valueLength, IsConfirmed) = ([], 0, 0, true);
        return content;
    }
}
