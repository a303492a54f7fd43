using System.Globalization;
using System.Text;

namespace UrlShortener.Monitoring.Tests.Rules;

/// <summary>
/// A series that Prometheus scraped, with the labels that a scrape of the PodMonitors in <c>config/monitoring</c> gives, and its values in promtool's notation.
/// </summary>
/// <param name="Name">Name and labels.</param>
/// <param name="Values">The values, one for each interval.</param>
internal sealed record Sample(string Name, string Values)
{
    /// <summary>A gauge of a pod of the runtime.</summary>
    public static Sample Gauge(string metric, string values, string labels = "", string pod = "eu-app-1", string role = "app") =>
        new($"{metric}{{{Join(Target(pod, role), labels)}}}", values);

    /// <summary>A counter of a pod of the runtime that grows by a number in each interval of a phase, for a number of intervals.</summary>
    public static Sample Counter(string metric, string labels, params (int Intervals, double Step)[] phases) => Gauge(metric, Grow(phases), labels);

    /// <summary>A counter of a pod of the key generation service.</summary>
    public static Sample KgsCounter(string metric, string labels, params (int Intervals, double Step)[] phases) =>
        Gauge(metric, Grow(phases), labels, "eu-kgs-1", "kgs");

    /// <summary>A gauge of a pod of the operator. The scrape honors the series' own namespace.</summary>
    public static Sample Operator(string metric, string values, string labels, string pod = "shortener-operator-1") =>
        new(
            $"{metric}{{{Join($"job=\"url-shortener-operator\", pod=\"{pod}\", instance=\"10.1.0.9:8080\", container=\"operator\", endpoint=\"http\"", labels)}}}",
            values
        );

    /// <summary>Values of a counter.</summary>
    public static string Grow(params (int Intervals, double Step)[] phases)
    {
        var text = new StringBuilder();
        var start = 0.0;
        foreach (var (intervals, step) in phases)
        {
            if (intervals < 1)
                continue;
            text.Append(CultureInfo.InvariantCulture, $"{(text.Length == 0 ? "" : " ")}{start:0.######}+{step:0.######}x{intervals - 1}");
            start += step * intervals;
        }

        return text.ToString();
    }

    /// <summary>The series of a histogram of durations.</summary>
    /// <param name="metric">Its name, without a suffix.</param>
    /// <param name="labels">Its labels.</param>
    /// <param name="intervals">Intervals of each phase.</param>
    /// <param name="phases">For each phase, observations in an interval by the bucket in which they fall.</param>
    public static IEnumerable<Sample> Histogram(string metric, string labels, int[] intervals, params (string Border, double Step)[][] phases)
    {
        string[] borders = ["0.01", "0.05", "0.1", "0.2", "0.5", "1", "2.5", "5", "+Inf"];
        for (var i = 0; i < borders.Length; i++)
        {
            var upTo = borders[..(i + 1)];
            yield return Counter(
                $"{metric}_bucket",
                Join(labels, $"le=\"{borders[i]}\""),
                [.. phases.Select((phase, n) => (intervals[n], phase.Where(part => upTo.Contains(part.Border)).Sum(part => part.Step)))]
            );
        }
    }

    private static string Target(string pod, string role) =>
        $"region=\"eu\", namespace=\"shop\", job=\"url-shortener\", pod=\"{pod}\", instance=\"10.1.0.7:8081\", container=\"{role}\", endpoint=\"management\"";

    private static string Join(string first, string second) => first.Length == 0 || second.Length == 0 ? first + second : $"{first}, {second}";
}
