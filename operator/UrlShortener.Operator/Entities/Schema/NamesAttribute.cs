namespace UrlShortener.Operator.Entities.Schema;

/// <summary>Names of a kind that its KubernetesEntity attribute does not hold.</summary>
/// <param name="singular">Lower-case name of one.</param>
/// <param name="listKind">Kind of a list of them.</param>
/// <param name="shortNames">What people type.</param>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class NamesAttribute(string singular, string listKind, params string[] shortNames) : Attribute
{
    /// <summary>Every kind is listed by <c>kubectl get shortener</c>.</summary>
    public const string Category = "shortener";

    /// <summary>Lower-case name of one.</summary>
    public string Singular => singular;

    /// <summary>Kind of a list.</summary>
    public string ListKind => listKind;

    /// <summary>What people type.</summary>
    public IReadOnlyList<string> ShortNames => shortNames;
}
