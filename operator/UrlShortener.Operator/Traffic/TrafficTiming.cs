namespace UrlShortener.Operator.Traffic;

/// <summary>Times of the controller of traffic. Tests on real servers shorten them.</summary>
internal sealed record TrafficTiming
{
    /// <summary>Time between two looks at a region's pods.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Failed looks in a row after which a region leaves.</summary>
    public int FailuresToLeave { get; init; } = 3;

    /// <summary>Good looks in a row after which it comes back.</summary>
    public int SuccessesToReturn { get; init; } = 12;

    /// <summary>How long external-dns and the Gateway may take to confirm before the condition is False.</summary>
    public TimeSpan ConfirmationLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Least time between two looks that count: changes of pods cause more of them.</summary>
    public TimeSpan LeastPause => Interval * 0.8;
}
