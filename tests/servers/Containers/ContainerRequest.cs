namespace UrlShortener.TestServers.Containers;

/// <summary>What to run in a container: the server's name for messages, image, ports (ours on 127.0.0.1, and the container's) and command.</summary>
internal sealed record ContainerRequest(string Name, string Image, IReadOnlyList<(int Ours, int Theirs)> Ports, IReadOnlyList<string> Command)
{
    /// <summary>Environment variables of the container.</summary>
    public Dictionary<string, string> Environment { get; } = [];
}
