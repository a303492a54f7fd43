namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>A pod cannot start as it is now. The reason and message are those of the waiting state that its containers show; it is tried again.</summary>
internal sealed class PodConfigurationException(string reason, string message) : Exception(message)
{
    /// <summary>One word, as Kubernetes has it.</summary>
    public string Reason { get; } = reason;
}
