namespace UrlShortener.Operator.Backups;

/// <summary>The times to which the database can be restored: from the oldest backup from which the archive leads to its end without a gap. Pure.</summary>
/// <param name="From">When that backup ended; null: no backup leads to the end.</param>
/// <param name="Missing">The segment that is missing between the newest backup and the end; null: none.</param>
internal sealed record RecoveryWindow(DateTimeOffset? From, WalSegment? Missing)
{
    /// <summary>Computes the window.</summary>
    /// <param name="report">What the repository has.</param>
    public static RecoveryWindow Of(BackupReport report)
    {
        var backups = report.ReadBackups();
        var ranges = report.Segments.Select(range => (First: WalSegment.Parse(range[0]), Last: WalSegment.Parse(range[1]))).ToList();
        var path = PathOf(report);
        var (chain, missing) = FindChain(path, ranges);
        var usable = backups.Where(backup => IsOn(path, backup) && backup.First.Number >= chain).ToList();
        var newest = backups.MaxBy(backup => backup.CompletedAt);
        return new RecoveryWindow(
            usable.Count == 0 ? null : usable.Min(backup => backup.CompletedAt),
            newest is null || usable.Contains(newest) ? null : missing ?? newest.First
        );
    }

    // The timelines that lead to the newest one, the newest first, each with the numbers of the segments that a recovery reads of it. Of a timeline that ended
    // within a segment, the next timeline has that segment whole.
    private static List<(int Timeline, long From, long To)> PathOf(BackupReport report)
    {
        var history = report.ReadHistory();
        var newest = report.NewestTimeline;
        var path = new List<(int Timeline, long From, long To)>();
        var from = history.Count > 0 ? history[^1].Segment : 0;
        path.Add((newest, from, long.MaxValue));
        for (var index = history.Count - 1; index >= 0; index--)
            path.Add((history[index].Timeline, index > 0 ? history[index - 1].Segment : 0, history[index].Segment - 1));
        return path;
    }

    // Walks back from the last segment: the number of the first segment of the chain without a gap, and the segment before it that is missing.
    private static (long Number, WalSegment? Missing) FindChain(List<(int Timeline, long From, long To)> path, List<(WalSegment First, WalSegment Last)> ranges)
    {
        long? first = null;
        foreach (var (timeline, from, to) in path)
        {
            if (to < from)
                continue;
            var own = ranges.Where(range => range.First.Timeline == timeline && range.First.Number <= to && range.Last.Number >= from).ToList();
            if (first is null && own.Count == 0)
                continue;
            var end = first is { } next ? next - 1 : Math.Min(to, own.Max(range => range.Last.Number));
            if (own.FirstOrDefault(range => range.First.Number <= end && Math.Min(range.Last.Number, to) >= end) is not { First.Timeline: > 0 } run)
                return (first ?? long.MaxValue, new WalSegment(timeline, end));
            first = Math.Max(run.First.Number, from);
            // The first timeline begins anywhere: segments before all backups are deleted.
            if (run.First.Number > from)
                return (first.Value, new WalSegment(timeline, run.First.Number - 1));
        }

        return (first ?? long.MaxValue, null);
    }

    private static bool IsOn(List<(int Timeline, long From, long To)> path, ReportedBackup backup) =>
        path.Exists(part => part.Timeline == backup.First.Timeline && backup.First.Number >= part.From)
        && path.Exists(part => part.Timeline == backup.Last.Timeline && backup.Last.Number <= part.To);
}
