using System.Globalization;

namespace UrlShortener.Load.OpenModel;

/// <summary>The p99 that an operation must have, from the intended start of its requests.</summary>
internal sealed record Threshold(string Operation, double MostP99Milliseconds)
{
    /// <summary>Those of the specification (P-02, P-03), which <c>k6/links.js</c> has too.</summary>
    public static IReadOnlyList<Threshold> OfSpecification { get; } = [new(Requests.Redirect, 50), new(Requests.Create, 100)];
}

/// <summary>Decides whether a run counts. A figure of a run that failed says nothing about the product.</summary>
internal static class OpenModelVerdict
{
    // The last answers arrive after the end of the schedule, which a short run notices.
    private const double LeastAchieved = 0.95;

    // A generator that is later is the bottleneck: its delay is part of every latency.
    private const double MostSendDelayMilliseconds = 10;

    /// <summary>Everything that must hold, met or not.</summary>
    public static IReadOnlyList<Target> Judge(OpenModelResult result, IEnumerable<Threshold> thresholds) =>
        [
            Target.AtMost("Requests dropped: too many were in flight", result.Dropped, 0, ""),
            new("Errors", Describe(result), "0", result.Errors == 0),
            Target.AtMost("Requests without an outcome", result.Offered - result.Dropped - result.Answered - result.Errors, 0, ""),
            Target.AtLeast("Achieved of the offered rate", 100 * result.AchievedPerSecond / result.OfferedPerSecond, 100 * LeastAchieved, "%"),
            Target.AtMost("Requests sent late by the generator, p99", result.SendDelay.P99, MostSendDelayMilliseconds, "ms"),
            .. thresholds.Select(threshold => Judge(result, threshold)),
        ];

    private static Target Judge(OpenModelResult result, Threshold threshold)
    {
        var name = $"p99 of {threshold.Operation}";
        var latency = result.Operations.FirstOrDefault(operation => operation.Name == threshold.Operation)?.Latency;
        return latency is { Count: > 0 }
            ? Target.AtMost(name, latency.P99, threshold.MostP99Milliseconds, "ms")
            : new Target(name, "no samples", string.Create(CultureInfo.InvariantCulture, $"<= {threshold.MostP99Milliseconds} ms"), Met: false);
    }

    private static string Describe(OpenModelResult result) =>
        result.Errors == 0
            ? "0"
            : string.Join(
                ", ",
                result.Operations.SelectMany(operation =>
                    operation
                        .Errors.OrderBy(error => error.Key, StringComparer.Ordinal)
                        .Select(error => string.Create(CultureInfo.InvariantCulture, $"{operation.Name}: {error.Value:N0} {error.Key}"))
                )
            );
}
