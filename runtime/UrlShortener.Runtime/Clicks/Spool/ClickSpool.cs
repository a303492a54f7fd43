using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Clicks.Spool;

/// <summary>
/// A queue of events on disk: what is in it survives the process. One thread appends, another one reads in the order of appending and releases what is
/// delivered. Memory is bounded by two buffers, the disk by a number of bytes. Nothing is flushed to the disk itself, so a kill of the process loses nothing,
/// and a power cut what the system had not yet written. What the disk does not take is kept in memory, in the same order, up to a bound: it can still be
/// delivered, and is lost with the process.
/// </summary>
internal sealed class ClickSpool : IDisposable
{
    /// <summary>Bytes of a full segment.</summary>
    public const int UsualSegmentBytes = 8 * 1_048_576;

    /// <summary>Most bytes of events in memory that the disk does not take.</summary>
    public const int UsualMemoryBytes = 16 * 1_048_576;

    private const string LockName = "spool.lock";
    private const string ReleasedName = "released";
    private const int BufferBytes = 64 * 1024;
    private const UnixFileMode OwnersFolder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly string _folder;
    private readonly long _maxBytes;
    private readonly int _segmentBytes;
    private readonly int _memoryLimit;
    private readonly ILogger _logger;
    private readonly FileStream _lock;
    private readonly SafeFileHandle _released;
    private readonly ArrayBufferWriter<byte> _buffer = new(2 * BufferBytes);
    private readonly SegmentReader _reader;
    private readonly Lock _sync = new();

    // The oldest first; the reader's is the first one that it has not read to its end. Guarded by _sync.
    private readonly LinkedList<Segment> _segments = [];

    // The last of the segments, while it takes records. The appending thread only.
    private Segment? _writing;
    private int _buffered;
    private long _nextNumber = 1;

    // The segment that is read; null while there is none. Guarded by _sync; the reader belongs to the reading thread while it is not null.
    private Segment? _reading;

    // Behind the last event that was released. The reading thread only.
    private SpoolPosition _position;

    private long _bytes;
    private long _memoryBytes;
    private bool _isUnwritable;
    private long _records;
    private long _damaged;

    private ClickSpool(string folder, long maxBytes, int segmentBytes, int memoryLimit, ILogger logger, FileStream held)
    {
        (_folder, _maxBytes, _segmentBytes, _memoryLimit, _logger, _lock) = (folder, maxBytes, segmentBytes, memoryLimit, logger, held);
        _released = File.OpenHandle(Path.Combine(folder, ReleasedName), FileMode.OpenOrCreate, FileAccess.ReadWrite);
        _reader = new SegmentReader((into, offset) => _reading!.Read(into, offset));
    }

    /// <summary>Events that were there at the start.</summary>
    public long Recovered { get; private set; }

    /// <summary>Events that are appended and not released.</summary>
    public long Records => Volatile.Read(ref _records);

    /// <summary>Bytes on disk.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Whether the disk did not take the last events.</summary>
    public bool IsUnwritable => Volatile.Read(ref _isUnwritable);

    /// <summary>Events that were lost to damage of the files.</summary>
    public long Damaged => Volatile.Read(ref _damaged);

    /// <summary>Opens the spool in a folder, which is made when it is missing. Only one process may use it.</summary>
    /// <exception cref="InvalidOperationException">Another process uses the folder.</exception>
    /// <exception cref="ConfigurationException">The folder cannot be used.</exception>
    public static ClickSpool Open(string folder, long maxBytes, int segmentBytes, ILogger logger, int memoryLimit = UsualMemoryBytes)
    {
        FileStream? held = null;
        try
        {
            if (OperatingSystem.IsWindows())
                Directory.CreateDirectory(folder);
            else
                Directory.CreateDirectory(folder, OwnersFolder);
            // The system holds the lock for the open file, and lets it go with the process, however that ends.
            held = new FileStream(Path.Combine(folder, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            var spool = new ClickSpool(folder, maxBytes, segmentBytes, memoryLimit, logger, held);
            spool.Recover();
            return spool;
        }
        catch (IOException error) when (held is null && IsHeld(error))
        {
            throw new InvalidOperationException($"Clicks:SpoolDirectory {folder} is in use by another process. Stop it, or set another folder.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            held?.Dispose();
            throw new ConfigurationException($"Clicks:SpoolDirectory {folder} cannot be used: {error.Message}", error);
        }
    }

    /// <summary>Adds an event to what the next <see cref="Flush"/> writes.</summary>
    /// <returns>Whether it is added, and how many of those added before are lost.</returns>
    public SpoolAppend Append(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var size = SpoolFormat.SizeOf(key, value);
        if (Bytes + _buffer.WrittenCount + size + SpoolFormat.HeaderBytes > _maxBytes)
            return new SpoolAppend(IsAdded: false, Lost: 0);
        var lost = 0;
        if (_buffer.WrittenCount > 0 && (_buffer.WrittenCount >= BufferBytes || IsFullWith(size)))
            lost = Flush();
        if (_writing is not null && IsFullWith(size))
            Complete();
        SpoolFormat.Write(_buffer, (_writing?.Count ?? 0) + _buffered, key, value);
        _buffered++;
        return new SpoolAppend(IsAdded: true, lost);
    }

    /// <summary>Writes the added events. Afterwards they survive the process, unless the disk does not take them.</summary>
    /// <returns>How many are lost: the disk does not take them, and there is no room for them in memory.</returns>
    public int Flush()
    {
        if (_buffered == 0)
            return 0;
        var count = _buffered;
        try
        {
            if (_writing is null)
                Begin();
            var segment = _writing!;
            lock (_sync)
            {
                segment.Append(_buffer.WrittenSpan, count);
                // Within the lock: an event is counted before it can be read and released.
                Interlocked.Add(ref _bytes, _buffer.WrittenCount);
                Interlocked.Add(ref _records, count);
            }

            if (IsUnwritable)
                SpoolLog.WrittenAgain(_logger, _folder);
            Volatile.Write(ref _isUnwritable, false);
            return 0;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            if (!IsUnwritable)
                SpoolLog.WriteFailed(_logger, _folder, error);
            Volatile.Write(ref _isUnwritable, true);
            return KeepInMemory(count);
        }
        finally
        {
            _buffered = 0;
            _buffer.ResetWrittenCount();
        }
    }

    /// <summary>Reads the next event.</summary>
    /// <param name="next">The event. Its bytes are good until the next one is read.</param>
    /// <returns>False: all that is written was read.</returns>
    public bool TryRead(out SpooledEvent next)
    {
        next = default;
        while (true)
        {
            Segment segment;
            long end;
            int count;
            bool isComplete;
            lock (_sync)
            {
                if (_reading is null)
                    return false;
                (segment, end, count, isComplete) = (_reading, _reading.Length, _reading.Count, _reading.IsComplete);
            }

            var expected = _reader.NextIndex;
            if (_reader.TryRead(end, count, out var record))
            {
                CountDamaged(record.Index - expected, segment);
                next = new SpooledEvent(record.Key, record.Value, new SpoolPosition(segment.Number, _reader.Offset, record.Index + 1));
                return true;
            }

            if (!isComplete)
                return false;
            CountDamaged(count - expected, segment);
            Leave(segment, expected);
        }
    }

    /// <summary>Releases events: they are delivered, and never read again.</summary>
    /// <param name="count">How many.</param>
    /// <param name="position">That of the last one of them. All before it are released, too.</param>
    public void Release(int count, SpoolPosition position)
    {
        Interlocked.Add(ref _records, -count);
        _position = position;
        Span<byte> bytes = stackalloc byte[24];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, position.Segment);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[8..], position.Offset);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[16..], position.NextIndex);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[20..], Crc32.HashToUInt32(bytes[..20]));
        try
        {
            // Of a position that is lost, or only half written, the events of one segment are sent again.
            RandomAccess.Write(_released, bytes, 0);
        }
        catch (IOException error)
        {
            SpoolLog.ReleaseFailed(_logger, _folder, error);
        }

        DeleteReleased();
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (_writing is not null)
            Complete();
        DeleteReleased();
        foreach (var segment in _segments)
        {
            if (segment.IsInMemory)
                Save(segment);
            segment.Dispose();
        }

        _released.Dispose();
        // Last: then another process may begin.
        _lock.Dispose();
    }

    private static bool IsHeld(IOException error)
    {
        const int HeldOnUnix = 11; // EWOULDBLOCK
        const int HeldOnWindows = unchecked((int)0x80070020); // ERROR_SHARING_VIOLATION
        return error.HResult is HeldOnUnix or HeldOnWindows;
    }

    private bool IsFullWith(int size) => (_writing?.Length ?? 0) + _buffer.WrittenCount + size + SpoolFormat.HeaderBytes > _segmentBytes;

    private void Recover()
    {
        var position = _position = ReadReleased();
        foreach (var (number, path) in Segment.Find(_folder))
        {
            _nextNumber = number + 1;
            try
            {
                if (number < position.Segment)
                {
                    File.Delete(path);
                    continue;
                }

                var segment = Segment.Open(path, number);
                var released = number == position.Segment ? Math.Min(position.NextIndex, segment.Count) : 0;
                if (segment.Count == released)
                {
                    segment.Delete();
                    continue;
                }

                _segments.AddLast(segment);
                _bytes += segment.Length;
                _records += segment.Count - released;
            }
            // A file that cannot be read stays where it is, and the others are not held up.
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                SpoolLog.SegmentUnusable(_logger, path, error);
            }
        }

        Recovered = _records;
        // A number that was released is not given again.
        _nextNumber = Math.Max(_nextNumber, position.Segment + 1);
        _reading = _segments.First?.Value;
        if (_reading?.Number == position.Segment)
            _reader.Seek(position.Offset, position.NextIndex);
        else
            _reader.Seek(0, 0);
    }

    private SpoolPosition ReadReleased()
    {
        Span<byte> bytes = stackalloc byte[24];
        if (RandomAccess.Read(_released, bytes, 0) < bytes.Length || BinaryPrimitives.ReadUInt32LittleEndian(bytes[20..]) != Crc32.HashToUInt32(bytes[..20]))
            return default;
        return new SpoolPosition(
            BinaryPrimitives.ReadInt64LittleEndian(bytes),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]),
            BinaryPrimitives.ReadInt32LittleEndian(bytes[16..])
        );
    }

    private void Begin()
    {
        var segment = Segment.Create(_folder, _nextNumber);
        _nextNumber++;
        _writing = segment;
        lock (_sync)
            Add(segment);
    }

    // Within the lock.
    private void Add(Segment segment)
    {
        _segments.AddLast(segment);
        if (_reading is not null)
            return;
        _reader.Seek(0, 0);
        _reading = segment;
    }

    // The next events try the disk again, with a file of their own.
    private int KeepInMemory(int count)
    {
        if (_writing is not null)
            Complete();
        if (Interlocked.Read(ref _memoryBytes) + _buffer.WrittenCount > _memoryLimit)
        {
            SpoolLog.Lost(_logger, count, _folder);
            return count;
        }

        var records = _buffer.WrittenSpan.ToArray();
        SpoolFormat.Renumber(records);
        var segment = Segment.CreateInMemory(_folder, _nextNumber, records, count);
        _nextNumber++;
        lock (_sync)
        {
            Add(segment);
            Interlocked.Add(ref _memoryBytes, segment.Length);
            Interlocked.Add(ref _records, count);
        }

        return 0;
    }

    // The process ends. The disk may have room again.
    private void Save(Segment segment)
    {
        try
        {
            segment.Save();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            SpoolLog.Lost(_logger, segment.Number == _position.Segment ? segment.Count - _position.NextIndex : segment.Count, _folder);
        }
    }

    // Seals the segment. Without a seal, which a full disk may refuse, the next process counts the records one by one.
    private void Complete()
    {
        var segment = _writing!;
        _writing = null;
        try
        {
            lock (_sync)
                segment.Append(SpoolFormat.Seal(segment.Count), 0);
            Interlocked.Add(ref _bytes, SpoolFormat.HeaderBytes);
        }
        catch (IOException error)
        {
            // While the disk takes nothing, that is told once.
            if (!IsUnwritable)
                SpoolLog.SealFailed(_logger, segment.Path, error);
        }

        lock (_sync)
        {
            segment.IsComplete = true;
            if (_reading != segment)
                segment.Dispose();
        }
    }

    // To the next segment. This one stays until all of its events are released.
    private void Leave(Segment segment, int endOfGood)
    {
        lock (_sync)
        {
            segment.EndOfGood = endOfGood;
            ReadNextOf(segment);
        }

        DeleteReleased();
    }

    private void DeleteReleased()
    {
        while (TakeReleased() is { } segment)
            Delete(segment);
    }

    private Segment? TakeReleased()
    {
        lock (_sync)
        {
            if (_segments.First?.Value is not { } oldest || !oldest.IsReleased(_position))
                return null;
            if (_reading == oldest)
                ReadNextOf(oldest);
            _segments.RemoveFirst();
            return oldest;
        }
    }

    private void ReadNextOf(Segment segment)
    {
        segment.Dispose();
        _reading = _segments.Find(segment)!.Next?.Value;
        _reader.Seek(0, 0);
    }

    private void Delete(Segment segment)
    {
        Interlocked.Add(ref segment.IsInMemory ? ref _memoryBytes : ref _bytes, -segment.Length);
        try
        {
            segment.Delete();
        }
        // The position says that it is released. The next process tries again.
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            SpoolLog.DeleteFailed(_logger, segment.Path, error);
        }
    }

    private void CountDamaged(int count, Segment segment)
    {
        if (count <= 0)
            return;
        Interlocked.Add(ref _damaged, count);
        Interlocked.Add(ref _records, -count);
        SpoolLog.Damaged(_logger, count, segment.Path);
    }
}

/// <summary>What became of an event that was to be appended.</summary>
/// <param name="IsAdded">False: the spool is full.</param>
/// <param name="Lost">Events added before that could not be written.</param>
internal readonly record struct SpoolAppend(bool IsAdded, int Lost);

/// <summary>A place in the spool: behind an event.</summary>
/// <param name="Segment">Number of the segment.</param>
/// <param name="Offset">Bytes of it up to there.</param>
/// <param name="NextIndex">Records of it up to there.</param>
internal readonly record struct SpoolPosition(long Segment, long Offset, int NextIndex);

/// <summary>An event as read from the spool. It refers to the memory of the reader, and copies nothing.</summary>
/// <param name="key">Its key, UTF-8.</param>
/// <param name="value">The event.</param>
/// <param name="position">The place behind it.</param>
internal readonly ref struct SpooledEvent(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, SpoolPosition position)
{
    /// <summary>Its key, UTF-8.</summary>
    public ReadOnlySpan<byte> Key { get; } = key;

    /// <summary>The event.</summary>
    public ReadOnlySpan<byte> Value { get; } = value;

    /// <summary>The place behind it.</summary>
    public SpoolPosition Position { get; } = position;
}
