using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Links;

namespace UrlShortener.Runtime.Storage.Redis;

/// <summary>
/// The form in which Redis stores a link: <c>number|epoch|state</c>, with the state as JSON. Without a state it is a marker: states of smaller versions are
/// void. The version comes first so that scripts can compare it without reading the rest. The previous release wrote <c>number|state</c>, which counts as
/// epoch 0. From a value of this release, the previous one reads only the number, and no state.
/// </summary>
/// <param name="Url">See <see cref="LinkTarget.OriginalUrl"/>.</param>
/// <param name="ExpiresAt">Unix milliseconds; null if the link never expires.</param>
/// <param name="RedirectType">See <see cref="LinkTarget.RedirectType"/>.</param>
/// <param name="IsActive">See <see cref="LinkTarget.IsActive"/>.</param>
internal sealed record RedisLink(
    [property: JsonPropertyName("u")] string? Url,
    [property: JsonPropertyName("e")] long? ExpiresAt,
    [property: JsonPropertyName("t")] int RedirectType,
    [property: JsonPropertyName("a")] bool IsActive
)
{
    private const int LongestVersion = 22;

    private static readonly long Earliest = DateTimeOffset.MinValue.ToUnixTimeMilliseconds();
    private static readonly long Latest = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    /// <summary>Renders a state.</summary>
    public static byte[] Render(LinkTarget target)
    {
        var state = new RedisLink(target.OriginalUrl, target.ExpiresAt?.ToUnixTimeMilliseconds(), target.RedirectType, target.IsActive);
        var json = JsonSerializer.SerializeToUtf8Bytes(state, RedisLinkJson.Instance.RedisLink);
        Span<byte> version = stackalloc byte[LongestVersion];
        var length = Encoding.UTF8.GetBytes(RenderMarker(target.Version), version);
        return [.. version[..length], .. json];
    }

    /// <summary>Renders a marker.</summary>
    public static string RenderMarker(StateVersion version) => string.Create(CultureInfo.InvariantCulture, $"{version.Number}|{version.Epoch}|");

    /// <summary>Parses a stored value. A value that is neither a state nor a marker counts as absent.</summary>
    public static SharedLookup Parse(ReadOnlySpan<byte> value)
    {
        if (!TryParseNumber(ref value, out var number) || number < 1)
            return default;
        // A state begins with a brace, so the two forms cannot be confused.
        var json = value;
        var version = new StateVersion(TryParseNumber(ref json, out var epoch) ? epoch : 0, number);
        if (json.IsEmpty)
            return new SharedLookup(null, version);
        return TryParseState(json) is { Url: { } url } state
            ? new SharedLookup(new LinkTarget(url, AsTime(state.ExpiresAt), state.RedirectType, state.IsActive, version), version)
            : default;
    }

    // Parses digits and a bar, and removes them from the value.
    private static bool TryParseNumber(ref ReadOnlySpan<byte> value, out int number)
    {
        if (!Utf8Parser.TryParse(value, out number, out var length) || number < 0 || length >= value.Length || value[length] != '|')
            return false;
        value = value[(length + 1)..];
        return true;
    }

    private static RedisLink? TryParseState(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, RedisLinkJson.Instance.RedisLink);
        }
        catch (JsonException)
        {
            // Not written by this product, or damaged; the store has the correct state.
            return null;
        }
    }

    // Clamped, so that a foreign value cannot cause an exception.
    private static DateTimeOffset? AsTime(long? milliseconds) =>
        milliseconds is { } value ? DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(value, Earliest, Latest)) : null;
}

/// <summary>Serialisation of links in Redis.</summary>
[JsonSerializable(typeof(RedisLink))]
internal sealed partial class RedisLinkJson : JsonSerializerContext
{
    /// <summary>The context to use. Its JSON is short (no default values, little escaping), since no browser ever reads it.</summary>
    public static RedisLinkJson Instance { get; } =
        new(
            new JsonSerializerOptions { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
        );
}
