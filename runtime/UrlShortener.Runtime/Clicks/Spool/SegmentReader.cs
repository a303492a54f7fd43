namespace UrlShortener.Runtime.Clicks.Spool;

/// <summary>Reads the records of one segment in order, through a buffer. What is damaged is skipped.</summary>
/// <param name="readAt">Reads bytes of the segment from an offset, fewer only at its end.</param>
internal sealed class SegmentReader(Func<Memory<byte>, long, int> readAt)
{
    private const int BufferBytes = 4 * (SpoolFormat.HeaderBytes + SpoolFormat.MaxContent);

    private readonly byte[] _buffer = new byte[BufferBytes];

    // What of the segment is in the buffer.
    private long _start;
    private int _filled;

    /// <summary>Where the next record is looked for.</summary>
    public long Offset { get; private set; }

    /// <summary>Index that the next record has unless some were lost.</summary>
    public int NextIndex { get; private set; }

    /// <summary>Where the last good record ends.</summary>
    public long EndOfGood { get; private set; }

    /// <summary>Goes on from another place, or in another segment.</summary>
    public void Seek(long offset, int nextIndex)
    {
        (Offset, NextIndex, EndOfGood) = (offset, nextIndex, offset);
        (_start, _filled) = (0, 0);
    }

    /// <summary>The next good record, but for the seal; its index says how many were lost before it.</summary>
    /// <param name="end">How far the segment is written: no record that is written meanwhile is read in part.</param>
    /// <param name="count">Records that the segment can have; a greater index is damage.</param>
    /// <param name="record">The record. It is good until the next one is read.</param>
    /// <returns>False: there is none before <paramref name="end"/>.</returns>
    public bool TryRead(long end, int count, out StoredRecord record)
    {
        while (end - Offset >= SpoolFormat.HeaderBytes)
        {
            var bytes = Look(SpoolFormat.HeaderBytes, end);
            // The file is shorter than it was: somebody else cut it.
            if (bytes.Length < SpoolFormat.HeaderBytes)
                break;
            if (SpoolFormat.SizeAt(bytes) is { } expected)
                bytes = Look(expected, end);
            var size = SpoolFormat.TryRead(bytes, out record);
            if (size > 0 && record.IsSeal)
            {
                Offset += size;
                EndOfGood = Offset;
            }
            else if (size > 0 && record.Index >= NextIndex && record.Index < count)
            {
                Offset += size;
                EndOfGood = Offset;
                NextIndex = record.Index + 1;
                return true;
            }
            else
            {
                Skip(bytes);
            }
        }

        Offset = Math.Max(Offset, end);
        record = default;
        return false;
    }

    // To where the next record may begin.
    private void Skip(ReadOnlySpan<byte> bytes)
    {
        var next = bytes[1..].IndexOf(SpoolFormat.Marker);
        // A marker may be cut by the end of the buffer.
        Offset += next >= 0 ? next + 1 : Math.Max(1, bytes.Length - SpoolFormat.Marker.Length + 1);
    }

    // All that the buffer has from the offset on, at least `least` bytes unless the segment ends.
    private ReadOnlySpan<byte> Look(int least, long end)
    {
        var ahead = _start + _filled - Offset;
        if (Offset < _start || ahead < Math.Min(least, end - Offset))
        {
            _start = Offset;
            _filled = readAt(_buffer.AsMemory(0, (int)Math.Min(_buffer.Length, end - Offset)), Offset);
            ahead = _filled;
        }

        return _buffer.AsSpan((int)(Offset - _start), (int)Math.Min(ahead, end - Offset));
    }
}
