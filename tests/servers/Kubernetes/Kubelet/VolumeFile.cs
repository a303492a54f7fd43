namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>A file of a volume that the API server holds.</summary>
internal sealed record VolumeFile(byte[] Content, int Mode)
{
    public bool Equals(VolumeFile? other) => other is not null && other.Mode == Mode && other.Content.AsSpan().SequenceEqual(Content);

    public override int GetHashCode() => HashCode.Combine(Mode, Content.Length);
}
