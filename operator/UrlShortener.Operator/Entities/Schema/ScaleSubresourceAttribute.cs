namespace UrlShortener.Operator.Entities.Schema;

/// <summary>Makes <c>kubectl scale</c> work on a kind.</summary>
/// <param name="specReplicasPath">Field that scaling sets.</param>
/// <param name="statusReplicasPath">Field that tells what there is.</param>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class ScaleSubresourceAttribute(string specReplicasPath, string statusReplicasPath) : Attribute
{
    /// <summary>Field that scaling sets.</summary>
    public string SpecReplicasPath => specReplicasPath;

    /// <summary>Field that tells what there is.</summary>
    public string StatusReplicasPath => statusReplicasPath;

    /// <summary>Field with the selector of the pods, as text.</summary>
    public required string LabelSelectorPath { get; init; }
}
