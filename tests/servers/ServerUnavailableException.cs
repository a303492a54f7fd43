using UrlShortener.TestServers.Kubernetes;

namespace UrlShortener.TestServers;

/// <summary>
/// A server, or what a test wants to do with it, cannot be had on this machine. The message is one or more sentences that say what is missing and how to
/// get it; a test project turns it into a skip with that reason.
/// </summary>
public sealed class ServerUnavailableException : Exception
{
    /// <summary>States what is missing and how to get it.</summary>
    public ServerUnavailableException(string message)
        : base(message) { }

    /// <summary>States what is missing and how to get it, with the error that told so.</summary>
    public ServerUnavailableException(string message, Exception innerException)
        : base(message, innerException) { }

    /// <summary>What must be said of an operation on a server that is not a process of this machine.</summary>
    internal static ServerUnavailableException NeedsLocalProcess(string operation, string package) =>
        new($"{operation} needs a server that is a local process, and this one runs in a container. Install {package} to have it.");

    /// <summary>What must be said of an operation on a control plane that is not of processes of this machine.</summary>
    internal static ServerUnavailableException NeedsLocalControlPlane(string operation) =>
        new(
            $"{operation} needs a control plane of local processes. Set {KubernetesPrograms.FolderVariable} to a folder with etcd, kube-apiserver and "
                + "kube-controller-manager."
        );
}
