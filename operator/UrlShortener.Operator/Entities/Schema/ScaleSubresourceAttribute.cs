namespace UrlShortener.Operator.Entities.Schema;

/// <summary>Adds the scale subresource to a kind, for <c>kubectl scale</c>.</summary>
/// <param name="specReplicasPath">Field that scaling sets.</param>
/// <param name="statusReplicasPath">Field with the current number.</param>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class ScaleSubresourceAttribute(string specReplicasPath, string statusReplicasPath) : Attribute
{
    /// <summary>Field that scaling sets.</summary>
    public string SpecReplicasPath => specReplicasPath;

    /// <summary>Field with the current number.</summary>
    public string StatusReplicasPath => statusReplicasPath;

    /// <summary>Field with the label selector of the pods.</summary>
    public required string LabelSelectorPath { get; init; }
}
