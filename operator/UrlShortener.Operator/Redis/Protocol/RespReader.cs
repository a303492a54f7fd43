using System.Globalization;
using System.Text;

namespace UrlShortener.Operator.Redis.Protocol;

/// <summary>
/// Reads replies of the protocol RESP2. The operator does not trust what a pod answers: sizes, numbers of items and depth are limited, and anything else than
/// RESP2 is an <see cref="InvalidDataException"/>. Each byte is a character: names of keys need not be text.
/// </summary>
internal sealed class RespReader(Stream stream)
{
    /// <summary>Maximum length of a string in bytes.</summary>
    public const int MaxText = 4 * 1024 * 1024;

    /// <summary>Maximum number of items in a reply, with those of lists in it.</summary>
    public const int MaxItems = 100_000;

    private const int MaxLine = 64 * 1024;
    private const int MaxDepth = 4;
    private const int BufferSize = 16 * 1024;

    private readonly byte[] _buffer = new byte[BufferSize];
    private int _start;
    private int _end;
    private int _items;

    /// <summary>Reads one reply.</summary>
    /// <exception cref="InvalidDataException">The answer is not RESP2, or exceeds a limit.</exception>
    /// <exception cref="EndOfStreamException">The connection ended.</exception>
    public async Task<RespReply> ReadAsync(CancellationToken cancellationToken)
    {
        _items = 0;
        return await ReadAsync(0, cancellationToken);
    }

    private async Task<RespReply> ReadAsync(int depth, CancellationToken cancellationToken)
    {
        if (++_items > MaxItems || depth > MaxDepth)
            throw new InvalidDataException("The reply has too many items.");
        var line = await ReadLineAsync(cancellationToken);
        var rest = line.Length > 0 ? line[1..] : throw new InvalidDataException("The reply is empty.");
        switch (line[0])
        {
            case '+':
                return RespReply.Of(RespKind.Text, rest);
            case '-':
                return RespReply.Of(RespKind.Error, rest);
            case ':':
                return long.TryParse(rest, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)
                    ? RespReply.Of(RespKind.Integer, rest)
                    : throw new InvalidDataException("The reply has a number that is not valid.");
            case '$':
                return await ReadTextAsync(LengthOf(rest, MaxText), cancellationToken);
            case '*':
                var count = LengthOf(rest, MaxItems);
                if (count < 0)
                    return RespReply.Of(RespKind.Null, "");
                var items = new List<RespReply>();
                while (items.Count < count)
                    items.Add(await ReadAsync(depth + 1, cancellationToken));
                return new RespReply(RespKind.List, "", items);
            default:
                throw new InvalidDataException("The reply is not RESP2.");
        }
    }

    private static int LengthOf(string text, int most) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var length) && length >= -1 && length <= most
            ? length
            : throw new InvalidDataException("The reply has a length that is not valid.");

    private async Task<RespReply> ReadTextAsync(int length, CancellationToken cancellationToken)
    {
        if (length < 0)
            return RespReply.Of(RespKind.Null, "");
        var bytes = new byte[length + 2];
        var there = Math.Min(bytes.Length, _end - _start);
        _buffer.AsSpan(_start, there).CopyTo(bytes);
        _start += there;
        await stream.ReadExactlyAsync(bytes.AsMemory(there), cancellationToken);
        return bytes is [.., (byte)'\r', (byte)'\n']
            ? RespReply.Of(RespKind.Text, Encoding.Latin1.GetString(bytes, 0, length))
            : throw new InvalidDataException("The reply has a string without an end.");
    }

    private async Task<string> ReadLineAsync(CancellationToken cancellationToken)
    {
        var line = new List<byte>();
        while (true)
        {
            if (_start == _end)
                await FillAsync(cancellationToken);
            var one = _buffer[_start++];
            if (one == '\n' && line is [.., (byte)'\r'])
                return Encoding.Latin1.GetString([.. line[..^1]]);
            line.Add(one);
            if (line.Count > MaxLine)
                throw new InvalidDataException("The reply has a line that is too long.");
        }
    }

    private async Task FillAsync(CancellationToken cancellationToken)
    {
        _start = 0;
        _end = await stream.ReadAsync(_buffer, cancellationToken);
        if (_end == 0)
            throw new EndOfStreamException("The connection ended within a reply.");
    }
}
