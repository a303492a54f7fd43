namespace UrlShortener.Operator.Entities.Spec;

/// <summary>A connection string for the runtime, in a Secret.</summary>
internal sealed record ConnectionSecretRef : SecretKeyRef
{
    /// <summary>The key that is the default, and that of the Secrets that the operator makes.</summary>
    public const string DefaultKey = "connectionString";

    /// <summary>The key defaults to <see cref="DefaultKey"/>.</summary>
    public ConnectionSecretRef() => Key = DefaultKey;
}
