namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>
/// The program of this machine that runs in the place of a container, which must not put itself into the background, with its arguments. A name without a
/// slash is searched on the PATH of <see cref="Environment"/>.
/// </summary>
public sealed record ContainerProgram(string Executable, IReadOnlyList<string> Arguments)
{
    /// <summary>The program's whole environment, apart from what every program needs to find others (PATH and the like).</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>What the container's image holds that the machine has elsewhere.</summary>
    public IReadOnlyList<ContainerMount> Mounts { get; init; } = [];

    /// <summary>The image's user; null: the one of this process.</summary>
    public ContainerUser? User { get; init; }
}
