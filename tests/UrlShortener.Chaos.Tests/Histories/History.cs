using System.Collections.Concurrent;
using System.Diagnostics;

namespace UrlShortener.Chaos.Tests.Histories;

/// <summary>All that clients did during a case, in the order in which the answers came. Safe from any thread.</summary>
internal sealed class History
{
    private readonly ConcurrentQueue<Operation> _operations = new();
    private readonly long _origin = Stopwatch.GetTimestamp();

    /// <summary>The time since the history began.</summary>
    public TimeSpan Now => Stopwatch.GetElapsedTime(_origin);

    /// <summary>What happened until now.</summary>
    public IReadOnlyList<Operation> Operations => [.. _operations];

    /// <summary>
    /// What the machine adds to an answer: how long redirects of links in memory take, which ask no server, all but a few of them. Tests add it to the limits
    /// of a quiet machine.
    /// </summary>
    /// <param name="from">From when on.</param>
    /// <param name="cached">Codes that the asked processes hold in memory.</param>
    public TimeSpan MachineDelay(TimeSpan from, IEnumerable<string> cached)
    {
        var known = cached.ToHashSet();
        var delays = Find(OperationKind.Follow, from, TimeSpan.MaxValue)
            .Where(follow => known.Contains(follow.Code))
            .Select(follow => follow.Duration)
            .Order()
            .ToList();
        return delays.Count == 0 ? TimeSpan.Zero : delays[delays.Count * 19 / 20];
    }

    /// <summary>Takes note of an operation that has ended.</summary>
    public void Add(Operation operation) => _operations.Enqueue(operation);

    /// <summary>Operations of a kind that began in a span of time.</summary>
    public IReadOnlyList<Operation> Find(OperationKind kind, TimeSpan from, TimeSpan to) =>
        [.. _operations.Where(operation => operation.Kind == kind && operation.Start >= from && operation.Start <= to)];
}
