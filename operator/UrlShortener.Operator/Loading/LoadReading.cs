using UrlShortener.Contracts;

namespace UrlShortener.Operator.Loading;

/// <summary>What the loaders of a region say together.</summary>
/// <param name="IsFailing">Whether one of them cannot load, or does not reach Kafka.</param>
/// <param name="IsReachable">Whether all of them reach ClickHouse, and find its tables.</param>
/// <param name="Partitions">Partitions that they load.</param>
/// <param name="Delay">Age of the oldest received click that is not loaded.</param>
internal sealed record LoadReading(bool IsFailing, bool IsReachable, int Partitions, TimeSpan Delay)
{
    private const double MostSeconds = 1e9;

    // Pods may answer anything.
    private const int MostPartitions = 100_000;

    /// <summary>Sums up answers.</summary>
    /// <param name="answers">What loaders answered; those of an earlier version say nothing about the load.</param>
    /// <returns>Null: nobody says anything.</returns>
    public static LoadReading? Of(IReadOnlyList<HealthResponse> answers)
    {
        var loads = answers.Select(answer => answer.Loading).OfType<LoadingResponse>().ToList();
        return loads.Count == 0
            ? null
            : new LoadReading(
                loads.Any(load => load.IsFailing),
                answers.All(answer => answer.Components?.Analytics is null or HealthStatus.Healthy),
                loads.Sum(load => Math.Clamp(load.Partitions, 0, MostPartitions)),
                TimeSpan.FromSeconds(loads.Max(load => double.IsFinite(load.DelaySeconds) ? Math.Clamp(load.DelaySeconds, 0, MostSeconds) : 0))
            );
    }
}
