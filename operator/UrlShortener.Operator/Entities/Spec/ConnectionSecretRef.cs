namespace UrlShortener.Operator.Entities.Spec;

/// <summary>A connection string for the runtime, in a Secret.</summary>
internal sealed record ConnectionSecretRef : SecretKeyRef
{
    /// <summary>The key defaults to <c>connectionString</c>.</summary>
    public ConnectionSecretRef() => Key = "connectionString";
}
