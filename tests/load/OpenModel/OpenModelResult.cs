namespace UrlShortener.Load.OpenModel;

/// <summary>What became of the requests of one kind.</summary>
/// <param name="Name">The kind.</param>
/// <param name="Latency">Of right answers.</param>
/// <param name="Errors">How many had which error.</param>
internal sealed record OperationResult(string Name, LatencySummary Latency, IReadOnlyDictionary<string, long> Errors);

/// <summary>What became of the requests of one stage.</summary>
internal sealed record StageResult(int Number, double Seconds, double Target, long Offered, LatencySummary Latency);

/// <summary>What an open model found.</summary>
/// <param name="Offered">Requests that the schedule holds.</param>
/// <param name="ScheduleSeconds">Length of the schedule.</param>
/// <param name="Dropped">Requests that were never sent, because as many as may be in flight were.</param>
/// <param name="Seconds">From the start to the last answer, at least the length of the schedule.</param>
/// <param name="Operations">By kind.</param>
/// <param name="Stages">By stage.</param>
/// <param name="SendDelay">How much later than intended requests were sent: what the generator, not the server, adds to the latencies.</param>
/// <param name="MostInFlight">Most requests that were in flight at once.</param>
/// <param name="GeneratorCpuSeconds">Processor time of the process that generates the load.</param>
internal sealed record OpenModelResult(
    long Offered,
    double ScheduleSeconds,
    long Dropped,
    double Seconds,
    IReadOnlyList<OperationResult> Operations,
    IReadOnlyList<StageResult> Stages,
    LatencySummary SendDelay,
    int MostInFlight,
    double GeneratorCpuSeconds
)
{
    /// <summary>The rate at which requests were to be sent, on average.</summary>
    public double OfferedPerSecond => Offered / ScheduleSeconds;

    /// <summary>The rate at which right answers arrived, on average.</summary>
    public double AchievedPerSecond => Answered / Seconds;

    /// <summary>Right answers.</summary>
    public long Answered => Operations.Sum(operation => operation.Latency.Count);

    /// <summary>Errors of all kinds.</summary>
    public long Errors => Operations.Sum(operation => operation.Errors.Values.Sum());

    /// <summary>Cores that the generator kept busy on average.</summary>
    public double GeneratorCores => GeneratorCpuSeconds / Seconds;
}
