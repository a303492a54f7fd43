using System.Globalization;
using System.Text;
using FsCheck.Xunit;
using Microsoft.Extensions.Logging.Abstractions;
using UrlShortener.Runtime.Clicks.Spool;
using UrlShortener.Runtime.Configuration;
using UrlShortener.TestHarness.Product;
using Xunit;

namespace UrlShortener.Runtime.Tests.Clicks.Spool;

public sealed class ClickSpoolTests : IDisposable
{
    private const int SegmentBytes = 512;
    private const long MaxBytes = 1_048_576;

    private readonly TestFolder _folder = new();

    private string Folder => _folder.FullName;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_AppendedEvents_ComeInOrderAcrossSegments()
    {
        using var spool = Open();
        Append(spool, 0, 100);

        Assert.Equal(Names(0, 100), ReadAll(spool));
        Assert.Equal(100, spool.Records);
        Assert.True(Segments().Length > 5, $"{Segments().Length} segments");
        Assert.Equal(Segments().Sum(path => new FileInfo(path).Length), spool.Bytes);
        if (OperatingSystem.IsWindows())
            return;
        foreach (var path in Segments())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    [Fact]
    public void Read_WhileMoreIsAppended_GoesOnFromThere()
    {
        using var spool = Open();
        for (var i = 0; i < 100; i++)
        {
            Append(spool, i, 1);
            Assert.Equal(Names(i, 1), ReadAll(spool));
        }
    }

    [Fact]
    public void Release_AllOfASegment_RemovesItsFile()
    {
        using var spool = Open();
        Append(spool, 0, 100);

        foreach (var read in Read(spool))
            spool.Release(1, read.Position);

        Assert.Equal(0, spool.Records);
        // The last one is still written to.
        Assert.Equal(new FileInfo(Assert.Single(Segments())).Length, spool.Bytes);
        spool.Dispose();
        Assert.Empty(Segments());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(37)]
    [InlineData(99)]
    public void Open_SomeWereReleased_ReadsTheOthersAgain(int released)
    {
        using (var spool = Open())
        {
            Append(spool, 0, 100);
            foreach (var read in Read(spool).Take(released))
                spool.Release(1, read.Position);
        }

        using var again = Open();

        Assert.Equal(100 - released, again.Recovered);
        Assert.Equal(Names(released, 100 - released), ReadAll(again));
        Append(again, 100, 10);
        Assert.Equal(Names(100, 10), ReadAll(again));
        Assert.Equal(110 - released, again.Records);
    }

    [Fact]
    public void Open_PositionIsDamaged_ReadsAllAgain()
    {
        using (var spool = Open())
        {
            Append(spool, 0, 4);
            foreach (var read in Read(spool).Take(2))
                spool.Release(1, read.Position);
        }

        File.WriteAllBytes(Path.Combine(Folder, "released"), new byte[24]);
        using var again = Open();

        Assert.Equal(Names(0, 4), ReadAll(again));
    }

    // A killed process leaves a last segment without a seal, whose last record may be cut anywhere.
    [Fact]
    public void Open_LastSegmentIsCutAtAnyByte_ReadsEveryWholeRecord()
    {
        using (var spool = Open())
            Append(spool, 0, 20);
        var last = Segments()[^1];
        var whole = File.ReadAllBytes(last);
        List<int> ends = [.. EndsOfRecords(whole)];
        var before = 20 - ends.Count;
        Assert.True(ends.Count > 2 && before > 2, $"{ends.Count} records in the last segment, {before} before it");

        for (var length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(last, whole[..length]);
            using (var spool = Open())
            {
                var good = before + ends.Count(end => end <= length);
                // The seal alone was cut, or a record.
                var torn = length == 0 || ends.Contains(length) ? 0 : 1;
                Assert.Equal(good + torn, spool.Recovered);
                Assert.Equal(Names(0, good), ReadAll(spool));
                Assert.Equal(torn, spool.Damaged);
                Assert.Equal(good, spool.Records);
            }

            File.WriteAllBytes(last, whole);
        }
    }

    [Fact]
    public void Open_AnyByteIsFlipped_LosesThatRecordOnlyAndCountsIt()
    {
        using (var spool = Open())
            Append(spool, 0, 20);
        var first = Segments()[0];
        var whole = File.ReadAllBytes(first);
        var records = EndsOfRecords(whole).Count();

        for (var place = 0; place < whole.Length; place++)
        {
            var flipped = whole.ToArray();
            flipped[place] ^= 0x41;
            File.WriteAllBytes(first, flipped);
            using var spool = Open();
            var read = ReadAll(spool);

            var index = EndsOfRecords(whole).Count(end => end <= place);
            // In the seal: no record is lost. What is not readable there counts as a record that was cut.
            var lost = index < records ? index : -1;
            Assert.Equal(Names(0, 20).Where((_, i) => i != lost), read);
            Assert.Equal(1, spool.Damaged);
            Assert.Equal(spool.Recovered, read.Count + spool.Damaged);
            Assert.Equal(read.Count, spool.Records);
        }
    }

    [Property(MaxTest = 60)]
    public void Open_AnyDamageOfSealedSegments_NeverLosesMoreThanItCounts(int[] places, byte[] values)
    {
        using var folder = new TestFolder();
        using (var spool = Open(folder.FullName))
            Append(spool, 0, 40);
        var files = Segments(folder.FullName);
        foreach (var (place, value) in places.Zip(values))
        {
            var file = files[(place & 0xFFFF) % (files.Length - 1)];
            var bytes = File.ReadAllBytes(file);
            // Not the seal.
            bytes[((place >> 16) & 0x7FFF) % (bytes.Length - SpoolFormat.HeaderBytes)] ^= value;
            File.WriteAllBytes(file, bytes);
        }

        using var again = Open(folder.FullName);
        var read = ReadAll(again);

        Assert.Equal(40, again.Recovered);
        Assert.Equal(40, read.Count + again.Damaged);
        Assert.Equal(Names(0, 40).Intersect(read), read);
    }

    [Fact]
    public void Open_EverythingOfASegmentIsDamaged_CountsItOnceAndRemovesIt()
    {
        using (var spool = Open())
            Append(spool, 0, 20);
        var first = Segments()[0];
        var length = File.ReadAllBytes(first).Length;
        var records = EndsOfRecords(File.ReadAllBytes(first)).Count();
        using (var file = new FileStream(first, FileMode.Open))
            file.Write(new byte[length - SpoolFormat.HeaderBytes]);

        using (var spool = Open())
        {
            Assert.Equal(Names(records, 20 - records), ReadAll(spool));
            Assert.Equal(records, spool.Damaged);
        }

        Assert.DoesNotContain(first, Segments());
        using var again = Open();
        Assert.Equal(20 - records, again.Recovered);
    }

    [Fact]
    public void Append_SpoolIsFull_RefusesUntilSomeAreReleased()
    {
        using var spool = Open(maxBytes: 4 * SegmentBytes);
        var added = 0;
        while (spool.Append(Key, Value(added)).IsAdded)
            Assert.True(++added < 1_000);
        Assert.Equal(0, spool.Flush());
        Assert.InRange(spool.Bytes, 3 * SegmentBytes, 4 * SegmentBytes);
        Assert.Equal(added, spool.Records);

        foreach (var read in Read(spool))
            spool.Release(1, read.Position);

        Append(spool, added, 1);
        Assert.Equal(Names(added, 1), ReadAll(spool));
    }

    [Fact]
    public void Append_DiskIsFullAndFreed_CountsTheLossAndGoesOn()
    {
        using var volume = BoundedVolume.Mount(1);
        using var spool = Open(Path.Combine(volume.Folder, "spool"), 64 * 1_048_576, 256 * 1024, memoryLimit: 128 * 1024);
        Append(spool, 0, 10);
        volume.Fill();
        var lost = 0;
        for (var i = 10; i < 10_000; i++)
            lost += spool.Append(Key, Value(i)).Lost;
        lost += spool.Flush();
        Assert.InRange(lost, 1, 9_990);

        volume.Free();
        Append(spool, 10_000, 5);

        var read = ReadAll(spool);
        Assert.Equal(10_005 - lost, read.Count);
        Assert.Equal(Names(0, 10), read.Take(10));
        Assert.Equal(Names(10_000, 5), read.TakeLast(5));
        Assert.Equal(0, spool.Damaged);
        Assert.Equal(read.Count, spool.Records);
        Assert.Equal(Segments(Path.Combine(volume.Folder, "spool")).Sum(path => new FileInfo(path).Length), spool.Bytes);
    }

    [Fact]
    public void Append_DiskIsFullAndWhatIsReadIsReleased_LosesNothingInOrder()
    {
        using var volume = BoundedVolume.Mount(1);
        var folder = Path.Combine(volume.Folder, "spool");
        using var spool = Open(folder, 64 * 1_048_576, 256 * 1024, memoryLimit: 128 * 1024);
        Append(spool, 0, 10);
        volume.Fill();
        var read = new List<string>();
        for (var i = 10; i < 20_000; i += 10)
        {
            Append(spool, i, 10);
            Deliver(spool, read);
        }

        Assert.True(spool.IsUnwritable);
        Assert.Equal(0, spool.Records);
        volume.Free();
        Append(spool, 20_000, 5);
        Assert.False(spool.IsUnwritable);
        Deliver(spool, read);

        Assert.Equal(Names(0, 20_005), read);
        Assert.Equal((0, 0), (spool.Records, spool.Damaged));
        Assert.Equal(Segments(folder).Sum(path => new FileInfo(path).Length), spool.Bytes);
    }

    [Fact]
    public void Dispose_EventsWaitInMemory_AreSavedIfTheDiskTakesThem()
    {
        using var volume = BoundedVolume.Mount(1);
        var folder = Path.Combine(volume.Folder, "spool");
        using (var spool = Open(folder, 64 * 1_048_576, 256 * 1024))
        {
            Append(spool, 0, 10);
            volume.Fill();
            for (var i = 10; i < 5_000; i += 10)
                Append(spool, i, 10);
            Assert.True(spool.IsUnwritable);
            foreach (var next in Read(spool).Take(4_005))
                spool.Release(1, next.Position);
            volume.Free();
        }

        using var again = Open(folder, 64 * 1_048_576, 256 * 1024);
        Assert.Equal(995, again.Recovered);
        Assert.Equal(Names(4_005, 995), ReadAll(again));
        Assert.Equal(0, again.Damaged);
    }

    [Fact]
    public void Dispose_DiskIsStillFull_LosesOnlyWhatItDoesNotTake()
    {
        using var volume = BoundedVolume.Mount(1);
        var folder = Path.Combine(volume.Folder, "spool");
        int onDisk;
        using (var spool = Open(folder, 64 * 1_048_576, 256 * 1024))
        {
            Append(spool, 0, 10);
            volume.Fill();
            onDisk = 0;
            for (var i = 10; !spool.IsUnwritable; i += 10)
            {
                onDisk = i;
                Append(spool, i, 10);
            }
        }

        using var again = Open(folder, 64 * 1_048_576, 256 * 1024);
        Assert.Equal(Names(0, onDisk), ReadAll(again));
        Assert.Equal(0, again.Damaged);
    }

    [Fact]
    public void Open_FileCannotBeRead_LeavesItAndReadsTheOthers()
    {
        using (var spool = Open())
            Append(spool, 0, 40);
        var second = Segments()[1];
        var kept = second + ".kept";
        File.Move(second, kept);
        // Root may read every file; nobody can read a link that leads nowhere.
        File.CreateSymbolicLink(second, "/nowhere/at/all");

        using (var spool = Open())
        {
            Assert.InRange(spool.Recovered, 20, 39);
            Assert.Equal(spool.Recovered, ReadAll(spool).Count);
            Assert.Equal(0, spool.Damaged);
        }

        File.Delete(second);
        File.Move(kept, second);
        using var again = Open();
        Assert.Equal(Names(0, 40), ReadAll(again));
    }

    [Fact]
    public void Read_FileWasRemoved_CountsItsEventsAndGoesOn()
    {
        using var spool = Open();
        Append(spool, 0, 40);
        var second = Segments()[1];
        var records = EndsOfRecords(File.ReadAllBytes(second)).Count();
        File.Delete(second);

        Assert.Equal(40 - records, ReadAll(spool).Count);

        Assert.Equal((records, 40 - records), (spool.Damaged, spool.Records));
    }

    [Fact]
    public void Open_AnotherProcessUsesTheFolder_IsRefusedUntilItEnds()
    {
        var first = Open();

        var refusal = Assert.Throws<InvalidOperationException>(() => Open());
        Assert.Contains("in use by another process", refusal.Message, StringComparison.Ordinal);

        first.Dispose();
        Open().Dispose();
    }

    [Fact]
    public void Open_FileStandsInTheWay_NamesTheSetting()
    {
        var path = Path.Combine(Folder, "file");
        File.WriteAllText(path, "");

        var refusal = Assert.Throws<ConfigurationException>(() => Open(path));
        Assert.StartsWith($"Clicks:SpoolDirectory {path} cannot be used: ", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_ForeignFiles_AreLeftAlone()
    {
        File.WriteAllText(Path.Combine(Folder, "notes.spool"), "text");
        using var spool = Open();

        Assert.Equal(0, spool.Recovered);
        Assert.True(File.Exists(Path.Combine(Folder, "notes.spool")));
    }

    [Fact]
    public async Task Append_WhileAnotherThreadReadsAndReleases_LosesNothing()
    {
        using var spool = Open(segmentBytes: 4_096);
        const int Count = 20_000;
        var read = new List<string>();
        var reading = Task.Run(
            () =>
            {
                while (read.Count < Count)
                {
                    if (!spool.TryRead(out var next))
                    {
                        Thread.Yield();
                        continue;
                    }

                    read.Add(Encoding.ASCII.GetString(next.Value));
                    spool.Release(1, next.Position);
                }
            },
            TestContext.Current.CancellationToken
        );

        for (var i = 0; i < Count; i += 100)
            Append(spool, i, 100);
        await reading;

        Assert.Equal(Names(0, Count), read);
        Assert.Equal((0, 0), (spool.Records, spool.Damaged));
    }

    private static ReadOnlySpan<byte> Key => "spring"u8;

    private static byte[] Value(int i) => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"event-{i:000000}"));

    private static IEnumerable<string> Names(int from, int count) => Enumerable.Range(from, count).Select(i => Encoding.ASCII.GetString(Value(i)));

    private static void Append(ClickSpool spool, int from, int count)
    {
        for (var i = from; i < from + count; i++)
            Assert.Equal(new SpoolAppend(IsAdded: true, Lost: 0), spool.Append(Key, Value(i)));
        Assert.Equal(0, spool.Flush());
    }

    private static IEnumerable<ReadEvent> Read(ClickSpool spool)
    {
        while (ReadEvent.TryRead(spool, out var next))
        {
            Assert.Equal("spring", next.Key);
            yield return next;
        }
    }

    private static List<string> ReadAll(ClickSpool spool) => [.. Read(spool).Select(read => Encoding.ASCII.GetString(read.Value))];

    private static IEnumerable<int> EndsOfRecords(byte[] segment)
    {
        for (var end = 0; SpoolFormat.TryRead(segment.AsSpan(end), out var record) is > 0 and var size && !record.IsSeal; )
            yield return end += size;
    }

    private static string[] Segments(string folder) => [.. Directory.GetFiles(folder, "0*.spool").Order(StringComparer.Ordinal)];

    private string[] Segments() => Segments(Folder);

    private static void Deliver(ClickSpool spool, List<string> delivered)
    {
        foreach (var next in Read(spool))
        {
            delivered.Add(Encoding.ASCII.GetString(next.Value));
            spool.Release(1, next.Position);
        }
    }

    private ClickSpool Open(string? folder = null, long maxBytes = MaxBytes, int segmentBytes = SegmentBytes, int memoryLimit = ClickSpool.UsualMemoryBytes) =>
        ClickSpool.Open(folder ?? Folder, maxBytes, segmentBytes, NullLogger.Instance, memoryLimit);
}
