using System.Text.Json.Serialization;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>How much of the operator's work rests.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<SuspendMode>))]
internal enum SuspendMode
{
    /// <summary>Nothing: the operator does everything.</summary>
    None,

    /// <summary>The operator changes nothing, but still fails over.</summary>
    Changes,

    /// <summary>The operator neither changes anything nor fails over.</summary>
    Full,
}
