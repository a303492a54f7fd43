using k8s.Models;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>
/// The data of persistent volume claims: a folder of this machine for each claim, which stays when a pod ends and comes back to the next pod with that claim.
/// A claim that was deleted and made again is another one, and empty. Several kubelets may share one of these, as nodes share storage of a network.
/// </summary>
/// <param name="folder">Path of a folder that may not exist yet. Whoever gives it removes it.</param>
public sealed class ClaimFolders(string folder)
{
    /// <summary>Removes the data of a claim, as a lost disk does: the folder is empty.</summary>
    public void Wipe(V1PersistentVolumeClaim claim)
    {
        var path = PathOf(claim);
        if (!Directory.Exists(path))
            return;
        foreach (var file in Directory.EnumerateFiles(path))
            File.Delete(file);
        foreach (var part in Directory.EnumerateDirectories(path))
            Directory.Delete(part, recursive: true);
    }

    /// <summary>Removes the data of a claim that is gone.</summary>
    internal void Remove(V1PersistentVolumeClaim claim)
    {
        if (PathOf(claim) is var path && Directory.Exists(path))
            Directory.Delete(path, recursive: true);
    }

    /// <summary>The folder of a claim.</summary>
    public string PathOf(V1PersistentVolumeClaim claim) =>
        Path.Combine(folder, $"{claim.Metadata.NamespaceProperty}_{claim.Metadata.Name}_{claim.Metadata.Uid}");
}
