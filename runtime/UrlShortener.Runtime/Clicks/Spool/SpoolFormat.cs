using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;

namespace UrlShortener.Runtime.Clicks.Spool;

/// <summary>
/// The bytes of a segment. A record is a marker, the length of its content, its index in the segment, a checksum over all of that and the content, and the
/// content: the length of the key, the key, the value. Numbers are little endian. After damage the marker says where a record may begin, and the index of the
/// next good record says how many were lost. A record without content is the seal: the last one of a segment that is complete, whose index is the number of
/// records before it.
/// </summary>
internal static class SpoolFormat
{
    /// <summary>Bytes before the content.</summary>
    public const int HeaderBytes = 16;

    /// <summary>Most bytes of content.</summary>
    public const int MaxContent = 64 * 1024;

    private const int KeyLengthBytes = 2;

    /// <summary>Begins each record. No byte of it is ASCII, as all of an event is, but for the last one, the version.</summary>
    public static ReadOnlySpan<byte> Marker => [0xF1, 0xC5, 0xD0, 0x01];

    /// <summary>Bytes of a record.</summary>
    public static int SizeOf(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => HeaderBytes + KeyLengthBytes + key.Length + value.Length;

    /// <summary>Writes a record.</summary>
    public static void Write(IBufferWriter<byte> to, int index, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var size = SizeOf(key, value);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, HeaderBytes + MaxContent);
        var record = to.GetSpan(size)[..size];
        BinaryPrimitives.WriteUInt16LittleEndian(record[HeaderBytes..], (ushort)key.Length);
        key.CopyTo(record[(HeaderBytes + KeyLengthBytes)..]);
        value.CopyTo(record[(HeaderBytes + KeyLengthBytes + key.Length)..]);
        WriteHeader(record, index);
        to.Advance(size);
    }

    /// <summary>Numbers whole records from 0, as in a segment of their own.</summary>
    public static void Renumber(Span<byte> records)
    {
        for (var index = 0; SizeAt(records) is { } size; index++)
        {
            WriteHeader(records[..size], index);
            records = records[size..];
        }
    }

    /// <summary>The seal of a segment.</summary>
    /// <param name="count">Records before it.</param>
    public static byte[] Seal(int count)
    {
        var seal = new byte[HeaderBytes];
        WriteHeader(seal, count);
        return seal;
    }

    /// <summary>Reads what begins at the start of <paramref name="bytes"/>.</summary>
    /// <param name="bytes">At least a whole record, if there is one.</param>
    /// <param name="record">The record, in these bytes; the seal has no content.</param>
    /// <returns>Bytes of the record; 0: none begins here, or it is damaged.</returns>
    public static int TryRead(ReadOnlySpan<byte> bytes, out StoredRecord record)
    {
        record = default;
        if (SizeAt(bytes) is not { } size || size > bytes.Length)
            return 0;
        bytes = bytes[..size];
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]) != Checksum(bytes))
            return 0;
        var index = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        var content = bytes[HeaderBytes..];
        if (index < 0 || content.Length is 1)
            return 0;
        var key = content.IsEmpty ? 0 : BinaryPrimitives.ReadUInt16LittleEndian(content);
        if (content.Length > 0 && key > content.Length - KeyLengthBytes)
            return 0;
        record = content.IsEmpty
            ? new StoredRecord(index, isSeal: true, [], [])
            : new StoredRecord(index, isSeal: false, content.Slice(KeyLengthBytes, key), content[(KeyLengthBytes + key)..]);
        return size;
    }

    /// <summary>Bytes of the record that seems to begin at the start of <paramref name="bytes"/>; null: none does.</summary>
    public static int? SizeAt(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeaderBytes || !bytes.StartsWith(Marker))
            return null;
        var length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        return length <= MaxContent ? HeaderBytes + (int)length : null;
    }

    private static void WriteHeader(Span<byte> record, int index)
    {
        Marker.CopyTo(record);
        BinaryPrimitives.WriteInt32LittleEndian(record[4..], record.Length - HeaderBytes);
        BinaryPrimitives.WriteInt32LittleEndian(record[8..], index);
        BinaryPrimitives.WriteUInt32LittleEndian(record[12..], Checksum(record));
    }

    // Of everything but the marker and the checksum itself. Two parts, so that neither is copied.
    private static uint Checksum(ReadOnlySpan<byte> record)
    {
        var crc = Crc32.HashToUInt32(record[HeaderBytes..]);
        Span<byte> parts = stackalloc byte[12];
        record[4..12].CopyTo(parts);
        BinaryPrimitives.WriteUInt32LittleEndian(parts[8..], crc);
        return Crc32.HashToUInt32(parts);
    }
}

/// <summary>A record as read back. It refers to the bytes that were read, and copies nothing.</summary>
/// <param name="index">Its number in the segment, from 0.</param>
/// <param name="isSeal">Whether it ends the segment; then the index is the number of records.</param>
/// <param name="key">Key of the event, UTF-8.</param>
/// <param name="value">The event.</param>
internal readonly ref struct StoredRecord(int index, bool isSeal, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
{
    /// <summary>Its number in the segment, from 0.</summary>
    public int Index { get; } = index;

    /// <summary>Whether it ends the segment; then the index is the number of records.</summary>
    public bool IsSeal { get; } = isSeal;

    /// <summary>Key of the event, UTF-8.</summary>
    public ReadOnlySpan<byte> Key { get; } = key;

    /// <summary>The event.</summary>
    public ReadOnlySpan<byte> Value { get; } = value;
}
