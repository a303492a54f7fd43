using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Clicks.Events;
using UrlShortener.Runtime.Clicks.Loading;

namespace UrlShortener.Runtime.Tests.Clicks.Loading;

/// <summary>Records of a topic, for tests.</summary>
internal static class LoadSamples
{
    public static readonly Guid Topic = Guid.Parse("11111111-2222-4333-8444-555555555555");
    public static readonly DateTimeOffset Now = new(2026, 11, 30, 12, 0, 0, TimeSpan.Zero);
    private static readonly Guid Random = Guid.Parse("0f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0");

    /// <summary>An event at an offset; its number gives its id.</summary>
    public static IncomingEvent NewEvent(long offset, int? number = null, DateTimeOffset? at = null)
    {
        var click = new StoredClick("spring", at ?? Now, null, null, "Mozilla/5.0", default, null, null, DeviceClass.Desktop, IsBot: false);
        return new IncomingEvent(offset, ClickEvent.IdOf(Random, number ?? (int)offset, click.At), click, null);
    }

    /// <summary>A record that is no event.</summary>
    public static IncomingEvent NewPoison(long offset, int bytes = 3) =>
        new(
            offset,
            Guid.Empty,
            default,
            new RejectedRecord(ClickEventReader.NotJson, [.. Enumerable.Range(1, bytes).Select(number => unchecked((byte)number))])
        );

    /// <summary>A batch of records.</summary>
    public static EventBatch NewBatch(params IReadOnlyList<IncomingEvent> events) => new(Topic, 2, events[0].Offset, events[^1].Offset + 1, events);
}
