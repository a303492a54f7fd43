using System.Text.Json.Serialization;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>Who decides that the write role moves.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FailoverMode>))]
internal enum FailoverMode
{
    /// <summary>The operators of the group.</summary>
    Automatic,

    /// <summary>A person; the operators say what they would do.</summary>
    Manual,

    /// <summary>Nobody.</summary>
    Disabled,
}
