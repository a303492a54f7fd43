using UrlShortener.Runtime.Clicks.Spool;

namespace UrlShortener.Runtime.Clicks.Publishing;

/// <summary>An event between the spool and its delivery report.</summary>
/// <param name="spooled">The event.</param>
internal sealed class OutgoingEvent(SpooledEvent spooled)
{
    /// <summary>Its key.</summary>
    public string Key { get; } = spooled.Key;

    /// <summary>The event.</summary>
    public byte[] Value { get; private set; } = spooled.Value;

    /// <summary>The place behind it in the spool.</summary>
    public SpoolPosition Position { get; } = spooled.Position;

    /// <summary>Approximate memory while it is not confirmed, the copy of the client included.</summary>
    public int ApproximateBytes { get; } = 256 + (2 * (spooled.Key.Length + spooled.Value.Length));

    /// <summary>Number of the producer that has it. The publisher's only.</summary>
    public int Producer { get; set; }

    /// <summary>When it was sent last, as a timestamp. The publisher's only.</summary>
    public long SentAt { get; set; }

    /// <summary>Whether it has arrived. The publisher's only.</summary>
    public bool IsConfirmed { get; private set; }

    /// <summary>It has arrived: only its place in the spool is needed from now on. The publisher's only.</summary>
    public void Confirm()
    {
        IsConfirmed = true;
        Value = [];
    }
}
