using System.Buffers;
using System.Text;
using UrlShortener.Runtime.Clicks;

namespace UrlShortener.Runtime.Storage.Sqlite;

/// <summary>
/// Packs the clicks of one link within one flush into one value. A row and an index entry for every single click would cost many times as much as the
/// redirect. Each text is written once and referenced by number. All integers are unsigned LEB128. Format:
/// version, count, text count, texts (byte length, UTF-8), then per click milliseconds after the first, five text numbers + 1 (0: none), device × 4 + has a
/// hash × 2 + is a bot, and the 32 bytes of the hash if there is one.
/// </summary>
internal sealed class ClickPacking
{
    private const byte Version = 1;
    private const int HashBytes = AddressHash.Size;

    private readonly ArrayBufferWriter<byte> _buffer = new(4_096);
    private readonly ArrayBufferWriter<byte> _body = new(4_096);
    private readonly Dictionary<string, uint> _texts = new(StringComparer.Ordinal);
    private readonly List<string> _order = [];

    /// <summary>Packs the clicks of one link. The returned memory is valid until the next call.</summary>
    /// <param name="clicks">Clicks of many links.</param>
    /// <param name="ofLink">Indexes of the link's clicks among them; at least one.</param>
    /// <param name="firstAt">Unix milliseconds of the earliest click.</param>
    public ReadOnlyMemory<byte> Pack(IReadOnlyList<StoredClick> clicks, IReadOnlyList<int> ofLink, long firstAt)
    {
        _buffer.ResetWrittenCount();
        _body.ResetWrittenCount();
        _texts.Clear();
        _order.Clear();
        foreach (var i in ofLink)
        {
            var click = clicks[i];
            Write(_body, (ulong)(click.At.ToUnixTimeMilliseconds() - firstAt));
            Write(_body, Number(click.Referrer));
            Write(_body, Number(click.Source));
            Write(_body, Number(click.UserAgent));
            Write(_body, Number(click.Country));
            Write(_body, Number(click.City));
            var hasHash = !click.IpHash.IsNone;
            Write(_body, ((ulong)click.Device << 2) | (hasHash ? 2ul : 0) | (click.IsBot ? 1ul : 0));
            if (hasHash)
            {
                click.IpHash.Write(_body.GetSpan(HashBytes));
                _body.Advance(HashBytes);
            }
        }

        Write(_buffer, Version);
        Write(_buffer, (ulong)ofLink.Count);
        Write(_buffer, (ulong)_order.Count);
        foreach (var text in _order)
        {
            var length = Encoding.UTF8.GetByteCount(text);
            Write(_buffer, (ulong)length);
            Encoding.UTF8.GetBytes(text, _buffer.GetSpan(length));
            _buffer.Advance(length);
        }

        _buffer.Write(_body.WrittenSpan);
        return _buffer.WrittenMemory;
    }

    /// <summary>Reads packed clicks one by one.</summary>
    /// <param name="packed">The result of <see cref="Pack"/>.</param>
    /// <param name="firstAt">The value that was passed to it.</param>
    /// <param name="read">Called for each click. The hash is that of the address, or empty.</param>
    /// <exception cref="InvalidDataException">The value was not written by <see cref="Pack"/>.</exception>
    public static void Unpack(ReadOnlySpan<byte> packed, long firstAt, PackedClickReader read)
    {
        if (Read(ref packed) != Version)
            throw UnknownVersion();
        var count = Read(ref packed);
        var texts = new string[checked((int)Math.Min(Read(ref packed), (ulong)packed.Length))];
        for (var i = 0; i < texts.Length; i++)
        {
            var length = Read(ref packed);
            if (length > (ulong)packed.Length)
                throw Truncated();
            texts[i] = Encoding.UTF8.GetString(packed[..(int)length]);
            packed = packed[(int)length..];
        }

        for (var i = 0ul; i < count; i++)
        {
            var at = firstAt + (long)Read(ref packed);
            var referrer = Text(ref packed);
            var source = Text(ref packed);
            var agent = Text(ref packed);
            var country = Text(ref packed);
            var city = Text(ref packed);
            var flags = Read(ref packed);
            ReadOnlySpan<byte> hash = default;
            if ((flags & 2) != 0)
            {
                if (packed.Length < HashBytes)
                    throw Truncated();
                hash = packed[..HashBytes];
                packed = packed[HashBytes..];
            }

            read(new PackedClick(at, referrer, source, agent, country, city, (DeviceClass)(flags >> 2), (flags & 1) != 0), hash);
        }

        string? Text(ref ReadOnlySpan<byte> rest)
        {
            var number = Read(ref rest);
            return number == 0 ? null
                : number <= (ulong)texts.Length ? texts[number - 1]
                : throw Truncated();
        }
    }

    /// <summary>Longest start of a packed value that <see cref="CountOf"/> needs.</summary>
    public const int HeaderBytes = 11;

    /// <summary>Returns how many clicks a packed value has.</summary>
    /// <param name="header">Its first <see cref="HeaderBytes"/> bytes, or all of it.</param>
    public static long CountOf(ReadOnlySpan<byte> header)
    {
        if (Read(ref header) != Version)
            throw UnknownVersion();
        return (long)Read(ref header);
    }

    private ulong Number(string? text)
    {
        if (text is null)
            return 0;
        if (!_texts.TryGetValue(text, out var number))
        {
            _order.Add(text);
            number = (uint)_order.Count;
            _texts.Add(text, number);
        }

        return number;
    }

    private static void Write(ArrayBufferWriter<byte> writer, ulong value)
    {
        var span = writer.GetSpan(10);
        var length = 0;
        for (; value >= 0x80; value >>= 7)
            span[length++] = (byte)(value | 0x80);
        span[length++] = (byte)value;
        writer.Advance(length);
    }

    private static ulong Read(ref ReadOnlySpan<byte> from)
    {
        var value = 0ul;
        for (var i = 0; i < from.Length && i < 10; i++)
        {
            value |= (ulong)(from[i] & 0x7F) << (7 * i);
            if (from[i] < 0x80)
            {
                from = from[(i + 1)..];
                return value;
            }
        }

        throw Truncated();
    }

    private static InvalidDataException UnknownVersion() => new("The packed clicks have an unknown version: they were written by a newer release.");

    private static InvalidDataException Truncated() => new("The packed clicks are damaged.");
}

/// <summary>A click as read back. Its hash is passed separately.</summary>
internal readonly record struct PackedClick(
    long At,
    string? Referrer,
    string? Source,
    string? UserAgent,
    string? Country,
    string? City,
    DeviceClass Device,
    bool IsBot
);

/// <summary>Receives clicks as they are read back.</summary>
internal delegate void PackedClickReader(in PackedClick click, ReadOnlySpan<byte> hash);
