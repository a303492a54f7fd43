using System.Collections.Concurrent;
using Prometheus;

namespace UrlShortener.ControllerRuntime.Queue;

/// <summary>Reports the ages of unfinished work when metrics are collected.</summary>
internal static class WorkQueueAges
{
    private static readonly ConcurrentDictionary<IWorkAges, bool> Queues = new();

    static WorkQueueAges() => Metrics.DefaultRegistry.AddBeforeCollectCallback(Report);

    /// <summary>Starts reporting a queue.</summary>
    public static void Watch(IWorkAges queue) => Queues[queue] = true;

    /// <summary>Ends reporting a queue.</summary>
    public static void Unwatch(IWorkAges queue) => Queues.TryRemove(queue, out _);

    private static void Report()
    {
        foreach (var queue in Queues.Keys)
        {
            var ages = queue.GetAges();
            QueueMetrics.UnfinishedSeconds.WithLabels(queue.Name).Set(ages.Sum(age => age.TotalSeconds));
            QueueMetrics.LongestWaitingSeconds.WithLabels(queue.Name).Set(queue.GetLongestWait().TotalSeconds);
            QueueMetrics.LongestRunningSeconds.WithLabels(queue.Name).Set(ages.Select(age => age.TotalSeconds).DefaultIfEmpty().Max());
        }
    }
}
