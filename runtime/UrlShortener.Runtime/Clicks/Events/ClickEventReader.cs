using System.Globalization;
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
    private const int HashLength = 64;
    private const int MaxBytesPerCharacter = 6;

    // Texts that are remembered, a megabyte or two.
    private const int MaxTexts = 8_192;

    private readonly HashSet<string> _texts = new(StringComparer.Ordinal);
    private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> _known;

    /// <summary>Makes one that remembers nothing yet.</summary>
    public ClickEventReader() => _known = _texts.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Reads an event. Properties that this version does not know are ignored.</summary>
    /// <param name="value">The event, UTF-8.</param>
    /// <param name="id">Its id.</param>
    /// <param name="click">Its click.</param>
    /// <param name="isCounted">Whether the click is in the totals of its link already.</param>
    /// <returns>Null, or why it is no event: <see cref="NotJson"/> or <see cref="NotBySchema"/>.</returns>
    public string? Read(ReadOnlySpan<byte> value, out Guid id, out StoredClick click, out bool isCounted)
    {
        (id, click, isCounted) = (Guid.Empty, default, false);
        var reader = new Utf8JsonReader(value);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return NotJson;
            var fields = new Fields();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (!ReadProperty(ref reader, fields))
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

    private bool ReadProperty(ref Utf8JsonReader reader, Fields fields)
    {
        if (reader.ValueTextEquals("schema_version"u8))
            return ReadNumber(ref reader, out fields.Version) && fields.Version >= 1;
        if (reader.ValueTextEquals("id"u8))
            return ReadId(ref reader, fields);
        if (reader.ValueTextEquals("short_code"u8))
            return ReadText(ref reader, Codes.ShortCode.MinLength, Codes.ShortCode.MaxLength, out fields.ShortCode)
                && Codes.ShortCode.IsValid(fields.ShortCode);
        if (reader.ValueTextEquals("clicked_at"u8))
            return ReadTime(ref reader, fields);
        if (reader.ValueTextEquals("referrer"u8))
            return ReadText(ref reader, 0, MaxTextLength, out fields.Referrer);
        if (reader.ValueTextEquals("source"u8))
            return ReadText(ref reader, 1, MaxSourceLength, out fields.Source);
        if (reader.ValueTextEquals("user_agent"u8))
            return ReadText(ref reader, 0, MaxTextLength, out fields.UserAgent);
        if (reader.ValueTextEquals("ip_hash"u8))
            return ReadHash(ref reader, out fields.IpHash);
        if (reader.ValueTextEquals("country"u8))
            return ReadText(ref reader, 2, 2, out fields.Country) && fields.Country!.All(char.IsAsciiLetterUpper);
        if (reader.ValueTextEquals("city"u8))
            return ReadText(ref reader, 1, MaxCityLength, out fields.City);
        if (reader.ValueTextEquals("device"u8))
            return ReadDevice(ref reader, fields);
        if (reader.ValueTextEquals("is_bot"u8))
            return ReadBoolean(ref reader, out fields.IsBot);
        if (reader.ValueTextEquals("is_counted"u8))
            return ReadBoolean(ref reader, out fields.IsCounted);
        // Of a later version.
        reader.Skip();
        return true;
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
        Span<char> buffer = stackalloc char[bytes];
        ReadOnlySpan<char> read = buffer[..reader.CopyString(buffer)];
        if (read.Length < shortest || read.Length > longest)
            return false;
        text = Keep(read);
        return true;
    }

    private string Keep(ReadOnlySpan<char> text)
    {
        if (_known.TryGetValue(text, out var known))
            return known;
        if (_texts.Count >= MaxTexts)
            _texts.Clear();
        var kept = text.ToString();
        _texts.Add(kept);
        return kept;
    }

    private static bool ReadId(ref Utf8JsonReader reader, Fields fields)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.String || !reader.TryGetGuid(out var id) || id.Version != IdVersion)
            return false;
        fields.Id = id;
        return true;
    }

    private static bool ReadTime(ref Utf8JsonReader reader, Fields fields)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.String)
            return false;
        Span<char> text = stackalloc char[24];
        // As the schema says: 24 characters, so a longer text is refused before it is copied.
        if (reader.ValueIsEscaped || reader.HasValueSequence || reader.ValueSpan.Length != text.Length)
            return false;
        reader.CopyString(text);
        var isTime = DateTime.TryParseExact(
            text,
            "yyyy-MM-dd'T'HH:mm:ss.fff'Z'",
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
            out var at
        );
        fields.At = at;
        fields.HasTime = isTime;
        return isTime;
    }

    private static bool ReadDevice(ref Utf8JsonReader reader, Fields fields)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.String)
            return false;
        foreach (var device in Enum.GetValues<DeviceClass>())
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
    private static bool ReadHash(ref Utf8JsonReader reader, out string? hash)
    {
        hash = reader.Read() && reader.TokenType == JsonTokenType.String && reader.ValueSpan.Length == HashLength ? reader.GetString() : null;
        return hash is { Length: HashLength } && hash.All(char.IsAsciiHexDigitLower);
    }

    // A class, so that the methods above can fill it.
    private sealed class Fields
    {
        public int Version;
        public Guid? Id;
        public string? ShortCode;
        public DateTime At;
        public bool HasTime;
        public string? Referrer;
        public string? Source;
        public string? UserAgent;
        public string? IpHash;
        public string? Country;
        public string? City;
        public DeviceClass? Device;
        public bool? IsBot;
        public bool? IsCounted;

        public bool IsComplete => Version >= 1 && Id is not null && ShortCode is not null && HasTime && Device is not null && IsBot is not null;

        public StoredClick ToClick() =>
            new(ShortCode!, new DateTimeOffset(At, TimeSpan.Zero), Referrer, Source, UserAgent, IpHash ?? "", Country, City, Device!.Value, IsBot!.Value);
    }
}
