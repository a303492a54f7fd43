using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace UrlShortener.Runtime.Storage.ClickHouse;

/// <summary>Rows in ClickHouse's format RowBinary, in a buffer that is used again: numbers are little endian, texts have their length in bytes before them.</summary>
internal sealed class RowBinary(int size)
{
    private const int LongestLength = 5;
    private const int MaxBytesPerCharacter = 3;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(size);
    private int _length;

    /// <summary>The rows.</summary>
    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _length);

    /// <summary>Begins anew.</summary>
    public void Clear() => _length = 0;

    /// <summary>The rows.</summary>
    public MemoryStream ToStream() => new(_buffer, 0, _length, writable: false, publiclyVisible: true);

    /// <summary>Gives the buffer back. Only when nobody reads it any more: not after an insert that was broken off.</summary>
    public void Recycle()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    public void Write(byte value) => Take(1)[0] = value;

    public void Write(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Take(sizeof(uint)), value);

    public void Write(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Take(sizeof(ulong)), value);

    public void Write(long value) => BinaryPrimitives.WriteInt64LittleEndian(Take(sizeof(long)), value);

    public void Write(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            Write((byte)0);
            return;
        }

        Reserve(LongestLength + (text.Length * MaxBytesPerCharacter));
        // The length takes one byte, as a rule, and is known when the text is there.
        var length = Encoding.UTF8.GetBytes(text, _buffer.AsSpan(_length + 1));
        if (length < 0x80)
        {
            _buffer[_length] = (byte)length;
            _length += 1 + length;
            return;
        }

        var rest = (uint)length;
        var bytes = 1;
        for (; rest >= 0x80; rest >>= 7)
            bytes++;
        _buffer.AsSpan(_length + 1, length).CopyTo(_buffer.AsSpan(_length + bytes));
        rest = (uint)length;
        for (; rest >= 0x80; rest >>= 7)
            _buffer[_length++] = (byte)(rest | 0x80);
        _buffer[_length++] = (byte)rest;
        _length += length;
    }

    private Span<byte> Take(int count)
    {
        Reserve(count);
        _length += count;
        return _buffer.AsSpan(_length - count, count);
    }

    private void Reserve(int count)
    {
        if (_buffer.Length - _length >= count)
            return;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_buffer.Length * 2, _length + count));
        _buffer.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
