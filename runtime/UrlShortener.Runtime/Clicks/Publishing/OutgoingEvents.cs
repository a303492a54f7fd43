using UrlShortener.Runtime.Clicks.Spool;

namespace UrlShortener.Runtime.Clicks.Publishing;

/// <summary>
/// Makes outgoing events, in memory that delivered ones have had. An event lives until its report comes, tens of milliseconds, and so longer than the youngest
/// generation: each collection would copy thousands of them, while redirects wait. The publisher's thread only.
/// </summary>
/// <param name="most">Most that are kept.</param>
internal sealed class OutgoingEvents(int most)
{
    /// <summary>Memory of an event that is used again, in bytes: key and value of most. A larger event has memory of its own.</summary>
    public const int ContentBytes = 768;

    private readonly Stack<OutgoingEvent> _events = [];
    private readonly Stack<byte[]> _contents = [];

    /// <summary>Makes one of what the spool has.</summary>
    public OutgoingEvent Make(SpooledEvent spooled)
    {
        var length = spooled.Key.Length + spooled.Value.Length;
        var content = length > ContentBytes || !_contents.TryPop(out var used) ? new byte[Math.Max(length, ContentBytes)] : used;
        if (!_events.TryPop(out var made))
            made = new OutgoingEvent();
        made.Fill(spooled, content);
        return made;
    }

    /// <summary>An event has arrived.</summary>
    public void Confirm(OutgoingEvent arrived)
    {
        var content = arrived.Confirm();
        if (content.Length == ContentBytes && _contents.Count < most)
            _contents.Push(content);
    }

    /// <summary>Nothing refers to an event any more but its producers.</summary>
    public void Release(OutgoingEvent released)
    {
        // One that was sent again may get another report, which must not be taken for that of another event.
        if (released.Sends == 1 && _events.Count < most)
            _events.Push(released);
    }
}
