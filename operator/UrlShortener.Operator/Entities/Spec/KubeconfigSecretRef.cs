namespace UrlShortener.Operator.Entities.Spec;

/// <summary>A kubeconfig, in a Secret.</summary>
internal sealed record KubeconfigSecretRef : SecretKeyRef
{
    /// <summary>The key is <c>kubeconfig</c> unless it is told.</summary>
    public KubeconfigSecretRef() => Key = "kubeconfig";
}
