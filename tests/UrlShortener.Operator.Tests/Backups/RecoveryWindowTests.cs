using System.Text.Json;
using UrlShortener.Operator.Backups;
using Xunit;

namespace UrlShortener.Operator.Tests.Backups;

/// <summary>From which backups the archive leads to its end.</summary>
public sealed class RecoveryWindowTests
{
    [Fact]
    public void Of_WholeArchive_BeginsWithTheOldestBackup() =>
        Assert.Equal(new RecoveryWindow(At(100), null), Window([Backup(100, "1:2", "1:2"), Backup(200, "1:7", "1:8")], [("1:1", "1:9")]));

    [Fact]
    public void Of_GapBetweenTwoBackups_BeginsWithTheOneAfterIt() =>
        Assert.Equal(new RecoveryWindow(At(200), null), Window([Backup(100, "1:2", "1:2"), Backup(200, "1:7", "1:8")], [("1:1", "1:4"), ("1:6", "1:9")]));

    [Fact]
    public void Of_GapAfterTheNewestBackup_IsNamedAndNothingLeadsToThePresent() =>
        Assert.Equal(
            new RecoveryWindow(null, new WalSegment(1, 9)),
            Window([Backup(100, "1:2", "1:2"), Backup(200, "1:7", "1:8")], [("1:1", "1:8"), ("1:10", "1:12")])
        );

    [Fact]
    public void Of_NewTimeline_ContinuesTheFormerOne() =>
        // Timeline 2 began within segment 5, of which the former timeline has a part only.
        Assert.Equal(
            new RecoveryWindow(At(100), null),
            Window([Backup(100, "1:2", "1:2")], [("1:1", "1:4"), ("2:5", "2:9")], timeline: 2, history: [(1, "0/5000100")])
        );

    [Fact]
    public void Of_SegmentThatTheDeadPrimaryDidNotArchive_IsAGap() =>
        Assert.Equal(
            new RecoveryWindow(null, new WalSegment(1, 4)),
            Window([Backup(100, "1:2", "1:2")], [("1:1", "1:3"), ("2:5", "2:9")], timeline: 2, history: [(1, "0/5000100")])
        );

    [Fact]
    public void Of_GapThatAFullBackupOfTheNewTimelineClosed_BeginsThere() =>
        Assert.Equal(
            new RecoveryWindow(At(300), null),
            Window([Backup(100, "1:2", "1:2"), Backup(300, "2:7", "2:8")], [("1:1", "1:3"), ("2:5", "2:9")], timeline: 2, history: [(1, "0/5000100")])
        );

    [Fact]
    public void Of_WritesThatOnlyTheDeadPrimaryHad_DoNotCount() =>
        // It archived segments that no timeline of today contains, and a backup of them leads nowhere.
        Assert.Equal(
            new RecoveryWindow(At(100), new WalSegment(2, 5)) with
            {
                Missing = null,
            },
            Window([Backup(100, "1:2", "1:2")], [("1:1", "1:7"), ("2:5", "2:9")], timeline: 2, history: [(1, "0/5000100")])
        );

    [Fact]
    public void Of_NothingArchivedOnTheNewestTimelineYet_EndsWithTheFormerOne() =>
        Assert.Equal(new RecoveryWindow(At(100), null), Window([Backup(100, "1:2", "1:2")], [("1:1", "1:4")], timeline: 2, history: [(1, "0/5000100")]));

    [Fact]
    public void Of_ThreeTimelines_FollowsAll() =>
        Assert.Equal(
            new RecoveryWindow(At(100), null),
            Window(
                [Backup(100, "1:2", "1:2"), Backup(200, "2:6", "2:6")],
                [("1:1", "1:4"), ("2:5", "2:254"), ("3:255", "3:300")],
                timeline: 3,
                history: [(1, "0/5000100"), (2, "0/FF000028")]
            )
        );

    [Fact]
    public void Of_NoBackup_IsEmpty() => Assert.Equal(new RecoveryWindow(null, null), Window([], [("1:1", "1:4")]));

    [Theory]
    [InlineData("000000010000000000000002", 1, 2)]
    [InlineData("0000000A00000001000000FF", 10, 511)]
    public void Segment_Name_IsReadAndWritten(string name, int timeline, long number)
    {
        Assert.Equal(new WalSegment(timeline, number), WalSegment.Parse(name));
        Assert.Equal(name, new WalSegment(timeline, number).ToString());
        Assert.True(WalSegment.IsName(name));
        Assert.False(WalSegment.IsName(name + ".partial"));
    }

    private static RecoveryWindow Window(
        string[] backups,
        (string First, string Last)[] segments,
        int? timeline = null,
        (int Timeline, string Position)[]? history = null
    )
    {
        var wal = segments.Select(range => $"[\"{Segment(range.First)}\",\"{Segment(range.Last)}\"]");
        var parents = (history ?? []).Select(parent => $"[{parent.Timeline},\"{parent.Position}\"]");
        var text =
            $"{{\"ok\":true,\"backups\":[{string.Join(',', backups)}],\"wal\":[{string.Join(',', wal)}],\"history\":[{string.Join(',', parents)}],"
            + $"\"timeline\":{JsonSerializer.Serialize(timeline)}}}";
        return RecoveryWindow.Of(BackupReport.Parse(text)!);
    }

    private static string Backup(long stop, string first, string last) =>
        $"[\"20300131-120000F\",{stop - 10},{stop},\"{Segment(first)}\",\"{Segment(last)}\",1000]";

    private static string Segment(string text)
    {
        var parts = text.Split(':').Select(part => int.Parse(part, System.Globalization.CultureInfo.InvariantCulture)).ToList();
        return new WalSegment(parts[0], parts[1]).ToString();
    }

    private static DateTimeOffset At(long seconds) => DateTimeOffset.FromUnixTimeSeconds(seconds);
}
