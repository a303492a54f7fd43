using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace UrlShortener.Runtime.Clicks.Spool;

/// <summary>One file of the spool.</summary>
internal sealed class Segment : IDisposable
{
    private const string Suffix = ".spool";
    private const UnixFileMode OwnersFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly SafeFileHandle _file;

    private Segment(string path, long number, SafeFileHandle file)
    {
        Path = path;
        Number = number;
        _file = file;
        Length = RandomAccess.GetLength(file);
    }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>Later segments have greater numbers.</summary>
    public long Number { get; }

    /// <summary>How far it is written. Bytes behind that are left of a write that failed.</summary>
    public long Length { get; private set; }

    /// <summary>Records written.</summary>
    public int Count { get; private set; }

    /// <summary>Whether no record follows.</summary>
    public bool IsComplete { get; set; }

    /// <summary>Number of the first record behind the last good one, once all were read; the rest is damaged.</summary>
    public int? EndOfGood { get; set; }

    /// <summary>Whether nothing of it is to be read again.</summary>
    /// <param name="position">Behind the last event that was released.</param>
    public bool IsReleased(SpoolPosition position) =>
        IsComplete && (Number < position.Segment || EndOfGood is 0 || (Number == position.Segment && position.NextIndex >= (EndOfGood ?? Count)));

    /// <summary>Makes a segment.</summary>
    /// <exception cref="IOException">The disk is full, or something else is wrong with it.</exception>
    public static Segment Create(string folder, long number)
    {
        var path = System.IO.Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{number:D16}{Suffix}"));
        var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(file, OwnersFile);
        return new Segment(path, number, file);
    }

    /// <summary>Opens a segment that an earlier process wrote, and finds out how many records it has.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It belongs to another account.</exception>
    public static Segment Open(string path, long number)
    {
        var segment = new Segment(path, number, File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        try
        {
            segment.IsComplete = true;
            segment.Count = segment.ReadSeal() ?? segment.Scan();
            return segment;
        }
        catch
        {
            segment.Dispose();
            throw;
        }
    }

    /// <summary>Numbers and paths of the segments in a folder, the oldest first.</summary>
    public static IReadOnlyList<(long Number, string Path)> Find(string folder) =>
        [
            .. Directory
                .EnumerateFileSystemEntries(folder, "*" + Suffix)
                .Select(path =>
                    (
                        Number: long.TryParse(System.IO.Path.GetFileNameWithoutExtension(path), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                            ? number
                            : -1,
                        path
                    )
                )
                .Where(segment => segment.Number >= 0)
                .OrderBy(segment => segment.Number),
        ];

    /// <summary>Adds whole records.</summary>
    /// <exception cref="IOException">None of them was added.</exception>
    public void Append(ReadOnlySpan<byte> records, int count)
    {
        try
        {
            RandomAccess.Write(_file, records, Length);
        }
        catch (IOException)
        {
            // Gives back what the write took of a full disk. The next write begins at the same place in any case.
            RandomAccess.SetLength(_file, Length);
            throw;
        }

        // The reader sees the length last: what is before it is there.
        Count += count;
        Length += records.Length;
    }

    /// <summary>Reads bytes from an offset; fewer than wanted only at the end.</summary>
    public int Read(Memory<byte> into, long offset)
    {
        var read = 0;
        while (read < into.Length && RandomAccess.Read(_file, into.Span[read..], offset + read) is > 0 and var more)
            read += more;
        return read;
    }

    /// <summary>Removes the file.</summary>
    public void Delete()
    {
        Dispose();
        File.Delete(Path);
    }

    /// <inheritdoc />
    public void Dispose() => _file.Dispose();

    private int? ReadSeal()
    {
        var seal = new byte[SpoolFormat.HeaderBytes];
        return Length >= seal.Length && Read(seal, Length - seal.Length) == seal.Length && SpoolFormat.TryRead(seal, out var record) > 0 && record.IsSeal
            ? record.Index
            : null;
    }

    // The process that wrote it was killed. A record that is cut at the end counts: it is lost, and counted as such when it should be read.
    private int Scan()
    {
        var reader = new SegmentReader(Read);
        reader.Seek(0, 0);
        var most = (int)(Length / SpoolFormat.HeaderBytes);
        while (reader.TryRead(Length, most, out _)) { }
        return reader.NextIndex + (reader.EndOfGood < Length ? 1 : 0);
    }
}
