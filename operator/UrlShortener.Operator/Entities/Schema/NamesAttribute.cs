namespace UrlShortener.Operator.Entities.Schema;

/// <summary>Names of a kind that its KubernetesEntity attribute lacks.</summary>
/// <param name="singular">Lower-case singular name.</param>
/// <param name="listKind">Kind of a list.</param>
/// <param name="shortNames">Short names for kubectl.</param>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class NamesAttribute(string singular, string listKind, params string[] shortNames) : Attribute
{
    /// <summary>Category of all kinds: <c>kubectl get shortener</c> lists them.</summary>
    public const string Category = "shortener";

    /// <summary>Lower-case singular name.</summary>
    public string Singular => singular;

    /// <summary>Kind of a list.</summary>
    public string ListKind => listKind;

    /// <summary>Short names for kubectl.</summary>
    public IReadOnlyList<string> ShortNames => shortNames;
}
