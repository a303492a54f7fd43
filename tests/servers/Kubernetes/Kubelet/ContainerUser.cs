namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>
/// The user that a container's programs run as, as its image names one. A pod's <c>runAsUser</c> and <c>runAsGroup</c> win over the numbers. The container's
/// own <c>/etc/passwd</c> has it; the machine's need not.
/// </summary>
/// <param name="Name">Name in <c>/etc/passwd</c> and <c>/etc/group</c>.</param>
/// <param name="User">Number of the user.</param>
/// <param name="Group">Number of the group.</param>
/// <param name="Home">Home folder.</param>
public sealed record ContainerUser(string Name, long User, long Group, string Home);
