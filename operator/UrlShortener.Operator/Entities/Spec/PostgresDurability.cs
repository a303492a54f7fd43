using System.Text.Json.Serialization;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>What an acknowledged write survives.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<PostgresDurability>))]
internal enum PostgresDurability
{
    /// <summary>The loss of the primary. Without any standby left writes go on alone.</summary>
    Sync,

    /// <summary>The loss of the primary, always: writes wait for a standby.</summary>
    Strict,

    /// <summary>A restart of the primary; the last writes may be lost with it.</summary>
    Async,
}
