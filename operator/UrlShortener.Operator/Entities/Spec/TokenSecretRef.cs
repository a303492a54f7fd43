namespace UrlShortener.Operator.Entities.Spec;

/// <summary>A secret that callers show, in a Secret.</summary>
internal sealed record TokenSecretRef : SecretKeyRef
{
    /// <summary>The key is <c>token</c> unless it is told.</summary>
    public TokenSecretRef() => Key = "token";
}
