using System.Globalization;

namespace UrlShortener.Runtime.Clicks.Spool;

/// <summary>One file of the spool, or what the disk does not take, in memory.</summary>
internal sealed class Segment : IDisposable
{
    private const string Suffix = ".spool";
    private const FileShare Share = FileShare.ReadWrite | FileShare.Delete;
    private const UnixFileMode OwnersFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // Open while it is written or read: there may be many thousands of segments.
    private FileStream? _stream;
    private readonly byte[]? _memory;

    private Segment(string path, long number, byte[] records, int count)
    {
        (Path, Number, _memory) = (path, number, records);
        (Length, Count, IsComplete) = (records.Length, count, true);
    }

    private Segment(string path, long number, FileStream stream)
    {
        Path = path;
        Number = number;
        _stream = stream;
        Length = RandomAccess.GetLength(stream.SafeFileHandle);
    }

    /// <summary>Where it is, or would be.</summary>
    public string Path { get; }

    /// <summary>Whether it is no file.</summary>
    public bool IsInMemory => _memory is not null;

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
        var path = PathOf(folder, number);
        return new Segment(path, number, new FileStream(path, NewFile()));
    }

    /// <summary>A segment in memory. It is complete.</summary>
    /// <param name="folder">Folder of the spool.</param>
    /// <param name="number">Its number.</param>
    /// <param name="records">Its records, with numbers from 0.</param>
    /// <param name="count">How many.</param>
    public static Segment CreateInMemory(string folder, long number, byte[] records, int count) => new(PathOf(folder, number), number, records, count);

    /// <summary>Opens a segment that an earlier process wrote, and finds out how many records it has.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It belongs to another account.</exception>
    public static Segment Open(string path, long number)
    {
        using var segment = new Segment(path, number, OpenToRead(path)) { IsComplete = true };
        segment.Count = segment.ReadSeal() ?? segment.Scan();
        // Closed; reading opens it again.
        return segment;
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
        var file = _stream!.SafeFileHandle;
        try
        {
            RandomAccess.Write(file, records, Length);
        }
        catch (IOException)
        {
            // Gives back what the write took of a full disk. The next write begins at the same place in any case.
            RandomAccess.SetLength(file, Length);
            throw;
        }

        // The reader sees the length last: what is before it is there.
        Count += count;
        Length += records.Length;
    }

    /// <summary>Reads bytes from an offset; fewer than wanted only at the end. Of a file that somebody removed there are none.</summary>
    public int Read(Memory<byte> into, long offset)
    {
        if (_memory is not null)
        {
            var rest = _memory.AsMemory((int)offset);
            rest = rest[..Math.Min(rest.Length, into.Length)];
            rest.CopyTo(into);
            return rest.Length;
        }

        try
        {
            _stream ??= OpenToRead(Path);
        }
        catch (FileNotFoundException)
        {
            return 0;
        }

        var (file, read) = (_stream.SafeFileHandle, 0);
        while (read < into.Length && RandomAccess.Read(file, into.Span[read..], offset + read) is > 0 and var more)
            read += more;
        return read;
    }

    /// <summary>Writes a file of what is in memory, for the next process.</summary>
    /// <exception cref="IOException">The disk does not take it.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder does not take it.</exception>
    public void Save()
    {
        using var file = new FileStream(Path, NewFile());
        try
        {
            file.Write(_memory);
            file.Write(SpoolFormat.Seal(Count));
        }
        catch (IOException)
        {
            // What is there of it would count as damaged.
            File.Delete(Path);
            throw;
        }
    }

    /// <summary>Removes the file.</summary>
    public void Delete()
    {
        Dispose();
        if (_memory is null)
            File.Delete(Path);
    }

    /// <summary>Closes the file. Reading opens it again.</summary>
    public void Dispose()
    {
        _stream?.Dispose();
        _stream = null;
    }

    private static string PathOf(string folder, long number) =>
        System.IO.Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{number:D16}{Suffix}"));

    private static FileStreamOptions NewFile()
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = Share,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnersFile;
        return options;
    }

    private static FileStream OpenToRead(string path) => new(path, FileMode.Open, FileAccess.Read, Share, bufferSize: 0);

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
