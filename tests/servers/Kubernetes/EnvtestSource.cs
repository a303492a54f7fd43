using System.Runtime.InteropServices;

namespace UrlShortener.TestServers.Kubernetes;

/// <summary>Where a release of Kubernetes' test programs is published.</summary>
/// <param name="Version">The release, such as 1.37.0.</param>
/// <param name="Archive">Archive of the envtest project, with etcd, kube-apiserver and kubectl.</param>
/// <param name="ArchiveDigest">SHA-512 of the archive, in hexadecimal digits.</param>
/// <param name="ControllerManager">The program kube-controller-manager, which the archive lacks. The server has its SHA-512 at the same address with
/// <c>.sha512</c>.</param>
internal sealed record EnvtestSource(string Version, Uri Archive, string ArchiveDigest, Uri ControllerManager)
{
    private const string PinnedVersion = "1.37.0";

    // From envtest-releases.yaml of kubernetes-sigs/controller-tools.
    private static readonly Dictionary<Architecture, (string Name, string Digest)> Pinned = new()
    {
        [Architecture.X64] = (
            "amd64",
            "1d1c453633b72c161a5d5a886cde7ac850be1a2ac796a9e1d4ffacacc64868295bdd2d57aa66cd0c158f5ce510f5dfe3fbc61ac21bd3dcfb875bd70658aa663a"
        ),
        [Architecture.Arm64] = (
            "arm64",
            "ae6a670502988200b0131c943758cfd3d3a58cf4e6247ef7f0e6a6467f1cd9a333c802e86101f0446b1b92a0e327387224e1e44fe1a4693da0929c6e529cfe9a"
        ),
    };

    /// <summary>The pinned release of a version on an architecture; null: none is pinned.</summary>
    /// <param name="version">Such as 1.37 or 1.37.0.</param>
    /// <param name="architecture">Architecture of the programs.</param>
    public static EnvtestSource? Find(string version, Architecture architecture)
    {
        if (!$"{PinnedVersion}.".StartsWith($"{version}.", StringComparison.Ordinal) || !Pinned.TryGetValue(architecture, out var pinned))
            return null;
        const string releases = "https://github.com/kubernetes-sigs/controller-tools/releases/download";
        return new EnvtestSource(
            PinnedVersion,
            new Uri($"{releases}/envtest-v{PinnedVersion}/envtest-v{PinnedVersion}-linux-{pinned.Name}.tar.gz"),
            pinned.Digest,
            new Uri($"https://dl.k8s.io/release/v{PinnedVersion}/bin/linux/{pinned.Name}/kube-controller-manager")
        );
    }
}
