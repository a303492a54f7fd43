using System.Buffers;
using System.Text.Json;

namespace UrlShortener.Runtime.Clicks.Events;

/// <summary>
/// Reads what <see cref="ClickEvent"/> writes. Any program may write to the topic, so any bytes may come. Texts that come again and again are kept once. One
/// thread at a time.
/// </summary>
internal sealed class ClickEventReader
{
    /// <summary>The value is not a JSON object.</summary>
    public const string NotJson = "not_json";

    /// <summary>A property is missing, or has a value that the schema does not allow.</summary>
    public const string NotBySchema = "not_by_schema";

    private const int MaxTextLength = 512;
    private const int MaxSourceLength = 512;
    private const int MaxCityLength = 100;
    private const int IdVersion = 7;
    private const int TimeLength = 24;
    private const int MaxBytesPerCharacter = 6;

    // Longest name of a property that is known, in characters that are all escaped.
    private const int MaxNameBytes = 14 * MaxBytesPerCharacter;

    private static readonly DeviceClass LastDevice = Enum.GetValues<DeviceClass>().Max();
    private static readonly SearchValues<byte> HashDigits = SearchValues.Create("0123456789abcdef"u8);

    // What a string takes beside its characters.
    private const int StringBytes = 24;

    private readonly RecentTexts _texts = new();

    /// <summary>Memory of the texts that the last event brought along, in bytes. Those that were known already are not counted again.</summary>
    public int NewTextBytes { get; private set; }

    /// <summary>Reads an event. Properties that this version does not know are ignored.</summary>
    /// <param name="value">The event, UTF-8.</param>
    /// <param name="id">Its id.</param>
    /// <param name="click">Its click.</param>
    /// <param name="isCounted">Whether the click is in the totals of its link already.</param>
    /// <returns>Null, or why it is no event: <see cref="NotJson"/> or <see cref="NotBySchema"/>.</returns>
    public string? Read(ReadOnlySpan<byte> value, out Guid id, out StoredClick click, out bool isCounted)
    {
        (id, click, isCounted) = (Guid.Empty, default, false);
        NewTextBytes = 0;
        var reader = new Utf8JsonReader(value);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return NotJson;
            var fields = new Fields();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (!ReadProperty(ref reader, ref fields))
                    return NotBySchema;
            }

            // Whatever follows the object must be white space.
            if (reader.TokenType != JsonTokenType.EndObject || reader.Read())
                return NotJson;
            if (!fields.IsComplete)
                return NotBySchema;
            id = fields.Id!.Value;
            click = fields.ToClick();
            isCounted = fields.IsCounted == true;
            return null;
        }
        // A lone surrogate, which is no text, is an InvalidOperationException.
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return NotJson;
        }
    }

    private bool ReadProperty(ref Utf8JsonReader reader, ref Fields fields)
    {
        switch (NameOf(ref reader))
        {
            case Property.SchemaVersion:
                return ReadNumber(ref reader, out fields.Version) && fields.Version >= 1;
            case Property.Id:
                return ReadId(ref reader, ref fields);
            case Property.ShortCode:
                return ReadText(ref reader, Codes.ShortCode.MinLength, Codes.ShortCode.MaxLength, out fields.ShortCode)
                    && Codes.ShortCode.IsValid(fields.ShortCode);
            case Property.ClickedAt:
                return ReadTime(ref reader, ref fields);
            case Property.Referrer:
                return ReadText(ref reader, 0, MaxTextLength, out fields.Referrer);
            case Property.Source:
                return ReadText(ref reader, 1, MaxSourceLength, out fields.Source);
            case Property.UserAgent:
                return ReadText(ref reader, 0, MaxTextLength, out fields.UserAgent);
            case Property.IpHash:
                return ReadHash(ref reader, out fields.IpHash);
            case Property.Country:
                return ReadText(ref reader, 2, 2, out fields.Country)
                    && char.IsAsciiLetterUpper(fields.Country![0])
                    && char.IsAsciiLetterUpper(fields.Country[1]);
            case Property.City:
                return ReadText(ref reader, 1, MaxCityLength, out fields.City);
            case Property.Device:
                return ReadDevice(ref reader, ref fields);
            case Property.IsBot:
                return ReadBoolean(ref reader, out fields.IsBot);
            case Property.IsCounted:
                return ReadBoolean(ref reader, out fields.IsCounted);
            default:
                // Of a later version.
                reader.Skip();
                return true;
        }
    }

    // By its length first: an event has a dozen of them.
    private static Property NameOf(ref Utf8JsonReader reader)
    {
        var name = reader.ValueSpan;
        if (reader.ValueIsEscaped)
        {
            if (name.Length > MaxNameBytes)
                return Property.Unknown;
            Span<byte> buffer = stackalloc byte[MaxNameBytes];
            return Match(buffer[..reader.CopyString(buffer)]);
        }

        return Match(name);

        static Property Match(ReadOnlySpan<byte> name) =>
            name.Length switch
            {
                2 when name.SequenceEqual("id"u8) => Property.Id,
                4 when name.SequenceEqual("city"u8) => Property.City,
                6 when name.SequenceEqual("source"u8) => Property.Source,
                6 when name.SequenceEqual("device"u8) => Property.Device,
                6 when name.SequenceEqual("is_bot"u8) => Property.IsBot,
                7 when name.SequenceEqual("ip_hash"u8) => Property.IpHash,
                7 when name.SequenceEqual("country"u8) => Property.Country,
                8 when name.SequenceEqual("referrer"u8) => Property.Referrer,
                10 when name.SequenceEqual("short_code"u8) => Property.ShortCode,
                10 when name.SequenceEqual("clicked_at"u8) => Property.ClickedAt,
                10 when name.SequenceEqual("user_agent"u8) => Property.UserAgent,
                10 when name.SequenceEqual("is_counted"u8) => Property.IsCounted,
                14 when name.SequenceEqual("schema_version"u8) => Property.SchemaVersion,
                _ => Property.Unknown,
            };
    }

    private static bool ReadNumber(ref Utf8JsonReader reader, out int number)
    {
        number = 0;
        return reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out number);
    }

    private bool ReadText(ref Utf8JsonReader reader, int shortest, int longest, out string? text)
    {
        text = null;
        if (!reader.Read() || reader.TokenType != JsonTokenType.String)
            return false;
        // A character has at most 3 bytes, or 6 when it is escaped.
        var bytes = reader.ValueSpan.Length;
        if (bytes > longest * MaxBytesPerCharacter)
            return false;
        if (_texts.Find(reader.ValueSpan) is { } known)
        {
            text = known;
        }
        else
        {
            Span<char> buffer = stackalloc char[bytes];
            text = new string(buffer[..reader.CopyString(buffer)]);
            _texts.Add(reader.ValueSpan, text);
            NewTextBytes += StringBytes + (text.Length * sizeof(char));
        }

        return text.Length >= shortest && text.Length <= longest;
    }

    private static bool ReadId(ref Utf8JsonReader reader, ref Fields fields)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.String || !reader.TryGetGuid(out var id) || id.Version != IdVersion)
            return false;
        fields.Id = id;
        return true;
    }

    private static bool ReadTime(ref Utf8JsonReader reader, ref Fields fields)
    {
        // As the schema says: 24 characters, so a longer text is refused before it is looked at.
        if (!reader.Read() || reader.TokenType != JsonTokenType.String || reader.ValueIsEscaped || reader.ValueSpan.Length != TimeLength)
            return false;
        var at = ReadTime(reader.ValueSpan);
        fields.At = at ?? default;
        fields.HasTime = at is not null;
        return fields.HasTime;
    }

    // Much quicker than the parser for any format.
    private static DateTime? ReadTime(ReadOnlySpan<byte> text)
    {
        if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' || text[19] != '.' || text[23] != 'Z')
            return null;
        var isRead =
            TryReadDigits(text[..4], out var year)
            & TryReadDigits(text[5..7], out var month)
            & TryReadDigits(text[8..10], out var day)
            & TryReadDigits(text[11..13], out var hour)
            & TryReadDigits(text[14..16], out var minute)
            & TryReadDigits(text[17..19], out var second)
            & TryReadDigits(text[20..23], out var millisecond);
        return isRead && year >= 1 && month is >= 1 and <= 12 && day >= 1 && day <= DateTime.DaysInMonth(year, month) && hour < 24 && minute < 60 && second < 60
            ? new DateTime(year, month, day, hour, minute, second, millisecond, DateTimeKind.Utc)
            : null;
    }

    private static bool TryReadDigits(ReadOnlySpan<byte> text, out int number)
    {
        number = 0;
        foreach (var digit in text)
        {
            if (!char.IsAsciiDigit((char)digit))
                return false;
            number = (number * 10) + digit - '0';
        }

        return true;
    }

    private static bool ReadDevice(ref Utf8JsonReader reader, ref Fields fields)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.String)
            return false;
        for (var device = DeviceClass.Other; device <= LastDevice; device++)
        {
            if (!reader.ValueTextEquals(ClickEvent.NameOf(device)))
                continue;
            fields.Device = device;
            return true;
        }

        return false;
    }

    private static bool ReadBoolean(ref Utf8JsonReader reader, out bool? value)
    {
        value = reader.Read() && reader.TokenType is JsonTokenType.True or JsonTokenType.False ? reader.GetBoolean() : null;
        return value is not null;
    }

    // Not among the texts that are kept: most come from one visitor only.
    private bool ReadHash(ref Utf8JsonReader reader, out AddressHash hash)
    {
        hash = default;
        if (!reader.Read() || reader.TokenType != JsonTokenType.String || reader.ValueSpan.Length != AddressHash.Digits)
            return false;
        if (reader.ValueSpan.ContainsAnyExcept(HashDigits))
            return false;
        Span<byte> bytes = stackalloc byte[AddressHash.Size];
        Convert.FromHexString(reader.ValueSpan, bytes, out _, out _);
        hash = AddressHash.Read(bytes);
        return true;
    }

    private enum Property
    {
        Unknown,
        SchemaVersion,
        Id,
        ShortCode,
        ClickedAt,
        Referrer,
        Source,
        UserAgent,
        IpHash,
        Country,
        City,
        Device,
        IsBot,
        IsCounted,
    }

    private struct Fields
    {
        public int Version;
        public Guid? Id;
        public string? ShortCode;
        public DateTime At;
        public bool HasTime;
        public string? Referrer;
        public string? Source;
        public string? UserAgent;
        public AddressHash IpHash;
        public string? Country;
        public string? City;
        public DeviceClass? Device;
        public bool? IsBot;
        public bool? IsCounted;

        public readonly bool IsComplete => Version >= 1 && Id is not null && ShortCode is not null && HasTime && Device is not null && IsBot is not null;

        public readonly StoredClick ToClick() =>
            new(ShortCode!, new DateTimeOffset(At, TimeSpan.Zero), Referrer, Source, UserAgent, IpHash, Country, City, Device!.Value, IsBot!.Value);
    }
}
