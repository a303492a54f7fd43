namespace UrlShortener.ControllerRuntime.Queue;

/// <summary>A queue as metrics and probes see it.</summary>
internal interface IWorkAges
{
    /// <summary>The queue's name in metrics.</summary>
    string Name { get; }

    /// <summary>For each key in work, how long it has been.</summary>
    IReadOnlyList<TimeSpan> GetAges();
}
