using k8s.Models;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>A container that is about to start, for the delegate that says which program runs in its place.</summary>
public sealed class ContainerLaunch
{
    private readonly IReadOnlyList<KeyValuePair<string, string>> _mounts;

    internal ContainerLaunch(
        V1Pod pod,
        V1Container container,
        string podIp,
        string folder,
        string? kubeconfig,
        IReadOnlyDictionary<string, string> environment,
        IReadOnlyList<string> command,
        IReadOnlyDictionary<string, string> mounts
    )
    {
        Pod = pod;
        Container = container;
        PodIp = podIp;
        Folder = folder;
        Kubeconfig = kubeconfig;
        Environment = environment;
        Command = command;
        // The longest first: a mount may lie in another one.
        _mounts = [.. mounts.OrderByDescending(mount => mount.Key.Length)];
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

    /// <summary>
    /// Path of a kubeconfig with the token of the pod's service account, for programs that would look for one at its fixed place; null when the pod mounts
    /// none.
    /// </summary>
    public string? Kubeconfig { get; }

    /// <summary>What <c>env</c> and <c>envFrom</c> say, and KUBERNETES_SERVICE_HOST and _PORT. Values are as the pod has them: see
    /// <see cref="Substitute"/>.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; }

    /// <summary>The container's <c>command</c> and <c>args</c>, with references to variables replaced; empty when it leaves both to its image.</summary>
    public IReadOnlyList<string> Command { get; }

    /// <summary>Puts the folders of this machine in the place of mount paths in a text, such as an argument, a variable's value, or a file.</summary>
    public string Substitute(string text)
    {
        foreach (var (path, folder) in _mounts)
            text = ReplacePath(text, path, folder);
        return text;
    }

    /// <summary>A program that gets the container's environment, with mount paths replaced, and <paramref name="arguments"/>.</summary>
    public ContainerProgram Run(string executable, params IEnumerable<string> arguments) =>
        new(executable, [.. arguments.Select(Substitute)]) { Environment = Environment.ToDictionary(one => one.Key, one => Substitute(one.Value)) };

    /// <summary>Only whole names: the mount /data is not the beginning of /database.</summary>
    private static string ReplacePath(string text, string path, string folder)
    {
        for (var at = text.IndexOf(path, StringComparison.Ordinal); at >= 0; )
        {
            var end = at + path.Length;
            var whole = (end == text.Length || !IsName(text[end])) && (at == 0 || (!IsName(text[at - 1]) && text[at - 1] != '/'));
            if (whole)
                text = string.Concat(text.AsSpan(0, at), folder, text.AsSpan(end));
            at = text.IndexOf(path, whole ? at + folder.Length : end, StringComparison.Ordinal);
        }

        return text;
    }

    private static bool IsName(char character) => char.IsLetterOrDigit(character) || character is '_' or '-' or '.';
}
