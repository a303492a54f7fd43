namespace UrlShortener.Runtime.Clicks.Loading;

/// <summary>
/// How the partitions of a process share its memory. Large batches cost much less than small ones, so a few partitions at a time have most of it: those with
/// more records than their own part holds take turns.
/// </summary>
/// <param name="Part">Bounds of each partition.</param>
/// <param name="Turn">Bounds of a partition that has a turn.</param>
/// <param name="Turns">How many partitions have a turn at a time; 0: none, all have the same bounds.</param>
internal readonly record struct LoadShares(LoadLimits Part, LoadLimits Turn, int Turns)
{
    // Two are loaded, and two receive meanwhile.
    private const int MaxTurns = 4;

    // A partition that gets no turn, because the batches of others fail, is loaded in small batches after so many waits.
    private const int WaitsForTurn = 5;

    private const long LeastBytes = 262_144;

    /// <summary>Shares the memory.</summary>
    /// <param name="events">Most records of a batch.</param>
    /// <param name="bytes">Memory of all partitions together.</param>
    /// <param name="wait">How long a record waits for others.</param>
    /// <param name="partitions">How many partitions the process has.</param>
    public static LoadShares Of(int events, long bytes, TimeSpan wait, int partitions)
    {
        if (partitions <= MaxTurns)
        {
            var same = new LoadLimits(events, Math.Max(LeastBytes, bytes / Math.Max(1, partitions)), wait);
            return new LoadShares(same, same, 0);
        }

        // A quarter for all, the rest for those that have a turn.
        var part = Math.Max(LeastBytes, bytes / 4 / partitions);
        var turn = part + (bytes / 4 * 3 / MaxTurns);
        // What has waited for the turn does not wait for as long again: a backlog fills a batch at once.
        return new LoadShares(new LoadLimits(events, part, wait, wait * WaitsForTurn), new LoadLimits(events, turn, wait / 4), MaxTurns);
    }
}
