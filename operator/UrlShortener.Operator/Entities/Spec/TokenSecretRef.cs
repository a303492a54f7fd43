namespace UrlShortener.Operator.Entities.Spec;

/// <summary>A token that callers send, in a Secret.</summary>
internal sealed record TokenSecretRef : SecretKeyRef
{
    /// <summary>The key defaults to <c>token</c>.</summary>
    public TokenSecretRef() => Key = "token";
}
