using UrlShortener.ControllerRuntime.Timing;

namespace UrlShortener.ControllerRuntime.Informers;

/// <summary>The intervals of an <see cref="Informer{T}"/>. Tests shorten them.</summary>
public sealed record InformerTimings
{
    /// <summary>Objects per page of a list.</summary>
    public int PageSize { get; init; } = 500;

    /// <summary>Shortest time after which the server is asked to end a watch.</summary>
    public TimeSpan LeastWatch { get; init; } = TimeSpan.FromSeconds(240);

    /// <summary>Longest time after which the server is asked to end a watch. Random between the two, so that watches do not all end together.</summary>
    public TimeSpan MostWatch { get; init; } = TimeSpan.FromSeconds(480);

    /// <summary>
    /// A watch without a line for so long is given up: its connection may be half open. A server sends a bookmark about every minute, so it does not happen
    /// to a good one that knows bookmarks for the kind.
    /// </summary>
    public TimeSpan IdleLimit { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>Handlers see all objects again in this interval, give or take a tenth.</summary>
    public TimeSpan Resync { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Wait between attempts while the server does not serve the kind, give or take a fifth.</summary>
    public TimeSpan NotServedRetry { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Waits after failures.</summary>
    public Backoff Reconnect { get; init; } = Backoff.Reconnect;
}
