namespace UrlShortener.ControllerRuntime.Queue;

/// <summary>A queue, for metrics and probes.</summary>
internal interface IWorkAges
{
    /// <summary>The queue's name in metrics.</summary>
    string Name { get; }

    /// <summary>Age of the work on each key.</summary>
    IReadOnlyList<TimeSpan> GetAges();

    /// <summary>Time since the key that has waited longest for a worker was added; zero: none waits.</summary>
    TimeSpan GetLongestWait();
}
