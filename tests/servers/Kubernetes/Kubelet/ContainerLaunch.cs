using k8s.Models;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>A container that is about to start, for the delegate that says which program runs in its place.</summary>
public sealed class ContainerLaunch
{
    internal ContainerLaunch(
        V1Pod pod,
        V1Container container,
        string podIp,
        string folder,
        IReadOnlyDictionary<string, string> environment,
        IReadOnlyList<string> command,
        IReadOnlyList<ContainerMount> mounts
    )
    {
        Pod = pod;
        Container = container;
        PodIp = podIp;
        Folder = folder;
        Environment = environment;
        Command = command;
        // The shortest first: a mount may lie in another one.
        Mounts = [.. mounts.OrderBy(mount => mount.Target.Length)];
    }

    /// <summary>The pod as it was bound.</summary>
    public V1Pod Pod { get; }

    /// <summary>The container, or init container, of the pod.</summary>
    public V1Container Container { get; }

    /// <summary>The container's image.</summary>
    public string Image => Container.Image;

    /// <summary>The pod's address. The program must listen on it and on no other: other pods have the same ports.</summary>
    public string PodIp { get; }

    /// <summary>A folder of the container's own, in which the program starts. It stays through restarts, and goes with the pod.</summary>
    public string Folder { get; }

    /// <summary>What <c>env</c> and <c>envFrom</c> say, and KUBERNETES_SERVICE_HOST and _PORT.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; }

    /// <summary>The container's <c>command</c> and <c>args</c>, with references to variables replaced; empty when it leaves both to its image.</summary>
    public IReadOnlyList<string> Command { get; }

    /// <summary>The pod's volumes, as the container mounts them.</summary>
    public IReadOnlyList<ContainerMount> Mounts { get; }

    /// <summary>A program that gets the container's environment and <paramref name="arguments"/>.</summary>
    public ContainerProgram Run(string executable, params IEnumerable<string> arguments) => new(executable, [.. arguments]) { Environment = Environment };
}
