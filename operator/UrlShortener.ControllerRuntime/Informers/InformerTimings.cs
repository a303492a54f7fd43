using UrlShortener.ControllerRuntime.Timing;

namespace UrlShortener.ControllerRuntime.Informers;

/// <summary>The intervals of an <see cref="Informer{T}"/>. Tests shorten them.</summary>
public sealed record InformerTimings
{
    /// <summary>Objects per page of a list.</summary>
    public int PageSize { get; init; } = 500;

    /// <summary>Minimum lifetime of a watch.</summary>
    public TimeSpan LeastWatch { get; init; } = TimeSpan.FromSeconds(240);

    /// <summary>Maximum lifetime of a watch. Random between the two, so that watches do not all end together.</summary>
    public TimeSpan MostWatch { get; init; } = TimeSpan.FromSeconds(480);

    /// <summary>
    /// The informer ends a watch that received no line for this time, because its connection may be half open. Servers send a bookmark about every minute, so
    /// this does not happen to a working watch.
    /// </summary>
    public TimeSpan IdleLimit { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>Interval in which handlers receive all objects again, plus or minus 10 %.</summary>
    public TimeSpan Resync { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Delay between attempts while the server does not serve the kind, plus or minus 20 %.</summary>
    public TimeSpan NotServedRetry { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Delays after failures.</summary>
    public Backoff Reconnect { get; init; } = Backoff.Reconnect;
}
