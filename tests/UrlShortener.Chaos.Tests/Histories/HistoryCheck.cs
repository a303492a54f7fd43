namespace UrlShortener.Chaos.Tests.Histories;

/// <summary>
/// Holds a history against what the product promises, and lists the operations that broke it. A code has one client that changes it, one change after the
/// other; so its operations of that kind have an order.
/// </summary>
/// <param name="bound">How long after the acknowledgement of a change a visitor may still be sent to what it replaced.</param>
/// <param name="outages">
/// Spans of time in which processes were cut off from what tells them of changes. Visitors who came then, or within <paramref name="bound"/> after, may have
/// got anything that was ever the target.
/// </param>
internal sealed class HistoryCheck(TimeSpan bound, params IReadOnlyList<(TimeSpan From, TimeSpan To)> outages)
{
    /// <summary>What is wrong, a sentence each, with the operations in question.</summary>
    public IReadOnlyList<string> FindFaults(IReadOnlyList<Operation> operations)
    {
        var faults = new List<string>();
        var creates = operations.Where(operation => operation is { Kind: OperationKind.Create, IsAcknowledged: true }).ToLookup(operation => operation.Code);
        faults.AddRange(creates.Where(group => group.Count() > 1).Select(group => $"Acknowledged more than once:{List(group)}"));
        var writes = operations.Where(operation => operation.Kind is OperationKind.Change or OperationKind.Delete).ToLookup(operation => operation.Code);
        var follows = operations.Where(operation => operation.Kind == OperationKind.Follow).ToLookup(operation => operation.Code);
        foreach (var create in creates.Select(group => group.First()))
        {
            var states = States(create, writes[create.Code]);
            faults.AddRange(follows[create.Code].Select(follow => FindFault(states, follow)).OfType<string>());
        }

        return faults;
    }

    /// <summary>
    /// What is wrong with the state at the end: each acknowledged creation has its last acknowledged state, or one that was asked for and whose answer was
    /// lost.
    /// </summary>
    /// <param name="operations">The history.</param>
    /// <param name="last">A redirect of each code, asked for after everything else had ended and healed.</param>
    public static IReadOnlyList<string> FindLosses(IReadOnlyList<Operation> operations, IReadOnlyList<Operation> last)
    {
        var writes = operations.Where(operation => operation.Kind is OperationKind.Change or OperationKind.Delete).ToLookup(operation => operation.Code);
        var found = last.ToDictionary(operation => operation.Code);
        var losses = new List<string>();
        foreach (var create in operations.Where(operation => operation is { Kind: OperationKind.Create, IsAcknowledged: true }))
        {
            var states = States(create, writes[create.Code]);
            var settled = states.Last(state => state.IsAcknowledged);
            if (!found.TryGetValue(create.Code, out var follow))
                losses.Add($"Never looked at in the end:{List([create])}");
            else if (!Shows(settled, follow) && !states.Any(state => state.IsUncertain && Shows(state, follow)))
                losses.Add($"Lost; its last acknowledged state, and what was found in the end:{List([settled, follow])}");
        }

        return losses;
    }

    // A state of a link is the operation that brought it about.
    private static List<Operation> States(Operation create, IEnumerable<Operation> writes) =>
        [create, .. writes.Where(write => write.IsAcknowledged || write.IsUncertain).OrderBy(write => write.Start)];

    private static bool Shows(Operation state, Operation follow) =>
        state.Kind == OperationKind.Delete ? follow.Status == 404 : follow.IsRedirect && follow.Target == state.Target;

    private string? FindFault(List<Operation> states, Operation follow)
    {
        // Refusals for want of a server are counted elsewhere; they say nothing about the link.
        if (follow.IsUncertain || follow.End < states[0].End)
            return null;
        if (!states.Exists(state => Shows(state, follow) && state.Start <= follow.End))
            return $"Never a state of this link:{List([states[0], follow])}";
        if (outages.Any(outage => follow.Start >= outage.From && follow.Start <= outage.To + bound))
            return null;
        // Of the states that were in force by themselves, the newest that must be known; whatever came later may be seen already. One whose answer was lost may
        // come into force at any time after it was asked for.
        var newest = states.FindLastIndex(state => state.IsAcknowledged && state.End + bound < follow.Start);
        var isCurrent = states.Where((state, i) => (i >= newest || state.IsUncertain) && state.Start <= follow.End).Any(state => Shows(state, follow));
        return isCurrent ? null : $"Replaced more than {bound.TotalSeconds:0.#} s before the request began:{List([states[newest], follow])}";
    }

    private static string List(IEnumerable<Operation> operations) => string.Concat(operations.Select(operation => $"\n    {operation}"));
}
