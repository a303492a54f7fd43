using System.Text.Json;
using System.Text.Json.Serialization;

namespace UrlShortener.Runtime.Http;

/// <summary>A JSON text that is copied into an answer unchanged, without parsing it or serializing it again.</summary>
/// <param name="Text">Valid JSON.</param>
[JsonConverter(typeof(RawJsonConverter))]
internal readonly record struct RawJson(string Text);

/// <summary>Writes <see cref="RawJson"/>; requests have no such member.</summary>
internal sealed class RawJsonConverter : JsonConverter<RawJson>
{
    /// <inheritdoc />
    public override RawJson Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException($"{nameof(RawJson)} is for answers only.");

    /// <inheritdoc />
    public override void Write(Utf8JsonWriter writer, RawJson value, JsonSerializerOptions options) =>
        writer.WriteRawValue(value.Text, skipInputValidation: true);
}
