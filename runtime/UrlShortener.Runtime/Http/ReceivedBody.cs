using System.Buffers;

namespace UrlShortener.Runtime.Http;

/// <summary>The bytes of a request body in pooled buffers, which grow as data arrives. Dispose returns the buffers to the pool.</summary>
internal sealed class ReceivedBody : IDisposable
{
    private const int FirstPiece = 4 * 1024;
    private const int LargestPiece = 64 * 1024;

    private readonly List<byte[]> _pieces = [];
    private int _used;

    /// <summary>Bytes received.</summary>
    public long Length { get; private set; }

    /// <summary>Size in bytes of the next piece, for when <see cref="Free"/> is empty.</summary>
    public int NextPiece => _pieces.Count == 0 ? FirstPiece : Math.Min(LargestPiece, _pieces[^1].Length * 2);

    /// <summary>Where to write the next bytes; empty: add a piece first.</summary>
    public Memory<byte> Free => _pieces.Count == 0 ? default : _pieces[^1].AsMemory(_used);

    /// <summary>The bytes.</summary>
    public ReadOnlySequence<byte> Bytes
    {
        get
        {
            if (Length == 0)
                return ReadOnlySequence<byte>.Empty;
            var first = new Segment(_pieces[0].AsMemory(0, _pieces.Count == 1 ? _used : _pieces[0].Length));
            var last = first;
            for (var i = 1; i < _pieces.Count; i++)
                last = last.Append(_pieces[i].AsMemory(0, i == _pieces.Count - 1 ? _used : _pieces[i].Length));
            return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
        }
    }

    /// <summary>Adds a piece of <see cref="NextPiece"/> bytes.</summary>
    public void AddPiece()
    {
        _pieces.Add(ArrayPool<byte>.Shared.Rent(NextPiece));
        _used = 0;
    }

    /// <summary>Records that bytes were written to <see cref="Free"/>.</summary>
    public void Advance(int bytes)
    {
        _used += bytes;
        Length += bytes;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var piece in _pieces)
            ArrayPool<byte>.Shared.Return(piece);
        _pieces.Clear();
        Length = 0;
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory) => Memory = memory;

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory) { RunningIndex = RunningIndex + Memory.Length };
            Next = next;
            return next;
        }
    }
}
