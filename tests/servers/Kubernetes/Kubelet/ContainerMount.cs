namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>A folder or file of this machine that a container sees at a path of its own.</summary>
/// <param name="Source">Path on this machine.</param>
/// <param name="Target">Path in the container.</param>
/// <param name="IsReadOnly">Whether the container may not write there.</param>
public sealed record ContainerMount(string Source, string Target, bool IsReadOnly = true);
