namespace UrlShortener.Operator.Entities.Spec;

/// <summary>How a server is reached, as the runtime reads it, in a Secret.</summary>
internal sealed record ConnectionSecretRef : SecretKeyRef
{
    /// <summary>The key is <c>connectionString</c> unless it is told.</summary>
    public ConnectionSecretRef() => Key = "connectionString";
}
