using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json;

namespace UrlShortener.Runtime.Clicks.Events;

/// <summary>
/// A click as other programs read it: one JSON object, described by <c>config/analytics/click-event.v1.schema.json</c>. It holds what the store of clicks holds,
/// and never an address.
/// </summary>
internal static class ClickEvent
{
    /// <summary>Version of the schema. A new version adds optional properties only; a test compares each with the one before.</summary>
    public const int SchemaVersion = 1;

    /// <summary>Most clicks of one batch that have ids.</summary>
    public const int MaxIndex = 1 << IndexBits;

    private const int IndexBits = 20;
    private const int BatchBits = 54;

    private static readonly JsonEncodedText[] Devices =
    [
        .. Enum.GetValues<DeviceClass>().Select(device => JsonEncodedText.Encode(device.ToString().ToLowerInvariant())),
    ];

    /// <summary>
    /// Id of a click: a UUID of version 7. It follows from the arguments, so a click of a batch that is sent again keeps its id. Clicks of one batch differ by
    /// index, those of two batches by 54 random bits of the batch's id.
    /// </summary>
    /// <param name="batch">Random id of the batch (version 4).</param>
    /// <param name="index">Place of the click in it.</param>
    /// <param name="at">When the link was followed.</param>
    public static Guid IdOf(Guid batch, int index, DateTimeOffset at)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)MaxIndex);
        Span<byte> bytes = stackalloc byte[16];
        batch.TryWriteBytes(bytes, bigEndian: true, out _);
        // The lowest bits of a version 4 UUID are all random.
        var random = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]) & ((1ul << BatchBits) - 1);
        var milliseconds = (ulong)Math.Max(0, at.ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteUInt64BigEndian(bytes, (milliseconds << 16) | (7ul << 12) | ((ulong)index >> 8));
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], (2ul << 62) | (((ulong)index & 0xFF) << BatchBits) | random);
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>Name of a device in events, UTF-8.</summary>
    public static ReadOnlySpan<byte> NameOf(DeviceClass device) => Devices[(int)device].EncodedUtf8Bytes;

    /// <summary>Writes a click as an object. All characters are ASCII; others are escaped.</summary>
    /// <param name="json">Gets it.</param>
    /// <param name="id">Id of the event.</param>
    /// <param name="click">The click.</param>
    /// <param name="isCounted">Whether the click is in the totals of its link already.</param>
    public static void Write(Utf8JsonWriter json, Guid id, in StoredClick click, bool isCounted = false)
    {
        json.WriteStartObject();
        json.WriteNumber("schema_version"u8, SchemaVersion);
        json.WriteString("id"u8, id);
        json.WriteString("short_code"u8, click.ShortCode);
        Span<char> time = stackalloc char[24];
        click.At.UtcDateTime.TryFormat(time, out var length, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        json.WriteString("clicked_at"u8, time[..length]);
        WriteUnlessEmpty(json, "referrer"u8, click.Referrer);
        WriteUnlessEmpty(json, "source"u8, click.Source);
        WriteUnlessEmpty(json, "user_agent"u8, click.UserAgent);
        WriteUnlessNone(json, "ip_hash"u8, click.IpHash);
        WriteUnlessEmpty(json, "country"u8, click.Country);
        WriteUnlessEmpty(json, "city"u8, click.City);
        json.WriteString("device"u8, Devices[(int)click.Device]);
        json.WriteBoolean("is_bot"u8, click.IsBot);
        if (isCounted)
            json.WriteBoolean("is_counted"u8, true);
        json.WriteEndObject();
    }

    /// <summary>A click as an object, UTF-8.</summary>
    public static byte[] ToBytes(Guid id, in StoredClick click, bool isCounted = false)
    {
        var value = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(value))
            Write(json, id, click, isCounted);
        return value.WrittenSpan.ToArray();
    }

    private static void WriteUnlessNone(Utf8JsonWriter json, ReadOnlySpan<byte> name, AddressHash hash)
    {
        if (hash.IsNone)
            return;
        Span<byte> digits = stackalloc byte[AddressHash.Digits];
        hash.WriteDigits(digits);
        json.WriteString(name, digits);
    }

    private static void WriteUnlessEmpty(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
            json.WriteString(name, value);
    }
}
