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

    /// <summary>Takes note of an operation that has ended.</summary>
    public void Add(Operation operation) => _operations.Enqueue(operation);

    /// <summary>Operations of a kind that began in a span of time.</summary>
    public IReadOnlyList<Operation> Find(OperationKind kind, TimeSpan from, TimeSpan to) =>
        [.. _operations.Where(operation => operation.Kind == kind && operation.Start >= from && operation.Start <= to)];
}
