using System.Buffers;
using System.Text;
using UrlShortener.Runtime.Clicks;

namespace UrlShortener.Runtime.Storage;

/// <summary>
/// Packs the clicks of a flush into one value. A row and an index entry for every single click would cost many times as much as the redirect. Each text is
/// written once and referenced by number. All integers are unsigned LEB128. Format: version, count, text count, texts (byte length, UTF-8), then per click
/// in version 2 the text number of its code, and in both milliseconds after the first, five text numbers + 1 (0: none), device × 4 + has a hash × 2 + is a
/// bot, and the hash if there is one: 32 bytes in version 1, the first 8 of them in version 2.
/// </summary>
internal sealed class ClickPacking
{
    private const byte OfOneLink = 1;
    private const byte OfManyLinks = 2;
    private const int HashBytes = AddressHash.Size;

    // Two of a million visitors have the same with a probability of 1 to 37 million.
    private const int ShortHashBytes = sizeof(ulong);

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
        Begin();
        foreach (var i in ofLink)
            Add(clicks[i], firstAt, HashBytes);
        return End(OfOneLink, ofLink.Count);
    }

    /// <summary>Packs clicks with their codes and short hashes. The returned memory is valid until the next call.</summary>
    /// <param name="clicks">Clicks of any links.</param>
    /// <param name="firstAt">Unix milliseconds of the earliest click.</param>
    public ReadOnlyMemory<byte> PackWithCodes(IReadOnlyList<StoredClick> clicks, long firstAt)
    {
        Begin();
        foreach (var click in clicks)
        {
            Write(_body, Number(click.ShortCode));
            Add(click, firstAt, ShortHashBytes);
        }

        return End(OfManyLinks, clicks.Count);
    }

    private void Begin()
    {
        _buffer.ResetWrittenCount();
        _body.ResetWrittenCount();
        _texts.Clear();
        _order.Clear();
    }

    private void Add(in StoredClick click, long firstAt, int hashBytes)
    {
        Write(_body, (ulong)(click.At.ToUnixTimeMilliseconds() - firstAt));
        Write(_body, Number(click.Referrer));
        Write(_body, Number(click.Source));
        Write(_body, Number(click.UserAgent));
        Write(_body, Number(click.Country));
        Write(_body, Number(click.City));
        var hasHash = !click.IpHash.IsNone;
        Write(_body, ((ulong)click.Device << 2) | (hasHash ? 2ul : 0) | (click.IsBot ? 1ul : 0));
        if (!hasHash)
            return;
        click.IpHash.Write(_body.GetSpan(HashBytes));
        _body.Advance(hashBytes);
    }

    private ReadOnlyMemory<byte> End(byte version, int count)
    {
        Write(_buffer, version);
        Write(_buffer, (ulong)count);
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
    /// <param name="packed">The result of <see cref="Pack"/> or <see cref="PackWithCodes"/>.</param>
    /// <param name="firstAt">The value that was passed to it.</param>
    /// <param name="read">Called for each click. The hash is that of the address, or empty.</param>
    /// <exception cref="InvalidDataException">The value was written by neither.</exception>
    public static void Unpack(ReadOnlySpan<byte> packed, long firstAt, PackedClickReader read) => Unpack(packed, firstAt, read, readsAll: true);

    /// <summary>The same for statistics, which leave out the page that a click came from, the user agent and the city: most of the bytes.</summary>
    public static void UnpackCounted(ReadOnlySpan<byte> packed, long firstAt, PackedClickReader read) => Unpack(packed, firstAt, read, readsAll: false);

    private static void Unpack(ReadOnlySpan<byte> packed, long firstAt, PackedClickReader read, bool readsAll)
    {
        const int mostOnStack = 32;
        var version = ReadVersion(ref packed);
        var hashBytes = version == OfOneLink ? HashBytes : ShortHashBytes;
        var count = Read(ref packed);
        var texts = new string?[checked((int)Math.Min(Read(ref packed), (ulong)packed.Length))];
        // Where each text is in what follows. It becomes a string when a click needs it.
        Span<Range> places = texts.Length <= mostOnStack ? stackalloc Range[texts.Length] : new Range[texts.Length];
        var named = packed;
        for (var i = 0; i < texts.Length; i++)
        {
            var length = Read(ref packed);
            if (length > (ulong)packed.Length)
                throw Truncated();
            var start = named.Length - packed.Length;
            places[i] = start..(start + (int)length);
            packed = packed[(int)length..];
        }

        for (var i = 0ul; i < count; i++)
        {
            var code = version == OfManyLinks ? Text(ref packed, named, places, texts, isNeeded: true) ?? throw Truncated() : null;
            var at = firstAt + (long)Read(ref packed);
            var referrer = Text(ref packed, named, places, texts, readsAll);
            var source = Text(ref packed, named, places, texts, isNeeded: true);
            var agent = Text(ref packed, named, places, texts, readsAll);
            var country = Text(ref packed, named, places, texts, isNeeded: true);
            var city = Text(ref packed, named, places, texts, readsAll);
            var flags = Read(ref packed);
            ReadOnlySpan<byte> hash = default;
            if ((flags & 2) != 0)
            {
                if (packed.Length < hashBytes)
                    throw Truncated();
                hash = packed[..hashBytes];
                packed = packed[hashBytes..];
            }

            read(new PackedClick(at, referrer, source, agent, country, city, (DeviceClass)(flags >> 2), (flags & 1) != 0, code), hash);
        }

        static string? Text(ref ReadOnlySpan<byte> rest, scoped ReadOnlySpan<byte> named, scoped ReadOnlySpan<Range> places, string?[] texts, bool isNeeded)
        {
            var number = Read(ref rest);
            if (number > (ulong)texts.Length)
                throw Truncated();
            return number == 0 || !isNeeded ? null : texts[number - 1] ??= Encoding.UTF8.GetString(named[places[(int)number - 1]]);
        }
    }

    /// <summary>Longest start of a packed value that <see cref="CountOf"/> needs.</summary>
    public const int HeaderBytes = 11;

    /// <summary>Returns how many clicks a packed value has.</summary>
    /// <param name="header">Its first <see cref="HeaderBytes"/> bytes, or all of it.</param>
    public static long CountOf(ReadOnlySpan<byte> header)
    {
        ReadVersion(ref header);
        return (long)Read(ref header);
    }

    private static byte ReadVersion(ref ReadOnlySpan<byte> packed)
    {
        var version = Read(ref packed);
        return version is OfOneLink or OfManyLinks ? (byte)version : throw UnknownVersion();
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

/// <summary>A click as read back. Its hash is passed separately. The code is null where it was not packed.</summary>
internal readonly record struct PackedClick(
    long At,
    string? Referrer,
    string? Source,
    string? UserAgent,
    string? Country,
    string? City,
    DeviceClass Device,
    bool IsBot,
    string? ShortCode = null
);

/// <summary>Receives clicks as they are read back.</summary>
internal delegate void PackedClickReader(in PackedClick click, ReadOnlySpan<byte> hash);
