using System.Text;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Clusters;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Postgres;

/// <summary>
/// What the write guards of a region need to read the votes in other clusters: a Secret of the region, made from the kubeconfigs, and its place in the members'
/// pods (config/images/postgres/guard.py). A region of a group in one cluster has neither. Pure.
/// </summary>
internal static class ClusterAccess
{
    private const string Volume = "clusters";
    private const string Folder = "/etc/topology";

    private static readonly string[] Files = ["server", "ca.crt", "token"];

    /// <summary>Name of the Secret.</summary>
    public static string NameOf(V1Alpha1ShortenerRegion region) => Names.Of(region.Metadata.Name, $"{PostgresNames.Component}-clusters");

    /// <summary>The Secret.</summary>
    /// <param name="region">The region.</param>
    /// <param name="kubeconfigs">The kubeconfigs, by name of the cluster.</param>
    public static V1Secret Build(V1Alpha1ShortenerRegion region, IReadOnlyDictionary<string, Kubeconfig> kubeconfigs)
    {
        var data = new Dictionary<string, byte[]>();
        foreach (var (cluster, kubeconfig) in kubeconfigs)
        {
            data[KeyOf(cluster, "server")] = Encoding.ASCII.GetBytes(kubeconfig.Server.GetLeftPart(UriPartial.Authority));
            data[KeyOf(cluster, "ca.crt")] = Encoding.ASCII.GetBytes(kubeconfig.AuthorityPem);
            data[KeyOf(cluster, "token")] = Encoding.ASCII.GetBytes(kubeconfig.GuardToken ?? kubeconfig.Token);
        }

        return new V1Secret { Metadata = Owned.Metadata(region, $"{PostgresNames.Component}-clusters", PostgresNames.Component), Data = data };
    }

    /// <summary>Whether a cached Secret, which has digests, is the wanted one.</summary>
    /// <param name="region">The region.</param>
    /// <param name="cached">The Secret as it is cached; null: there is none.</param>
    /// <param name="desired">The wanted one.</param>
    /// <param name="unknown">Clusters without a kubeconfig, of which it keeps what it has.</param>
    public static bool IsCurrent(V1Alpha1ShortenerRegion region, V1Secret? cached, V1Secret desired, IReadOnlyCollection<string> unknown) =>
        cached is not null
        && Owned.IsControlledBy(cached, region)
        && Owned.HasLabels(cached, desired)
        && SecretDigests.Of(desired) is { Data: { } wanted }
        && cached.Data is { } data
        && data.Keys.Count(key => !IsOfAny(key, unknown)) == wanted.Count
        && wanted.All(entry => data.TryGetValue(entry.Key, out var digest) && digest.AsSpan().SequenceEqual(entry.Value));

    /// <summary>Adds what the Secret has of clusters that have no kubeconfig now: the guards know them, and must not forget them because somebody has deleted it.</summary>
    /// <param name="desired">The wanted Secret.</param>
    /// <param name="live">The Secret that is there; null: there is none.</param>
    /// <param name="unknown">The clusters.</param>
    public static void Keep(V1Secret desired, V1Secret? live, IReadOnlyCollection<string> unknown)
    {
        foreach (var (key, value) in live?.Data ?? new Dictionary<string, byte[]>())
        {
            if (IsOfAny(key, unknown))
                desired.Data[key] = value;
        }
    }

    /// <summary>Mounts the Secret. Pods start without it: there may be no kubeconfig yet, and the kubelet brings it later.</summary>
    /// <param name="region">The region.</param>
    /// <param name="pod">A member's pod.</param>
    /// <param name="clusters">Names of the clusters.</param>
    public static void AddTo(V1Alpha1ShortenerRegion region, V1PodSpec pod, IReadOnlyList<string> clusters)
    {
        if (clusters.Count == 0)
            return;
        var volume = PodParts.BuildSecret(Volume, NameOf(region));
        volume.Secret.Optional = true;
        volume.Secret.Items =
        [
            .. clusters.SelectMany(cluster => Files.Select(file => new V1KeyToPath { Key = KeyOf(cluster, file), Path = $"{cluster}/{file}" })),
        ];
        pod.Volumes.Add(volume);
        pod.Containers.Single(container => container.Name == PostgresNames.Container).VolumeMounts.Add(PodParts.BuildMount(Volume, Folder, isReadOnly: true));
    }

    /// <summary>Whether the guard of a member may read the vote in a cluster, once there is a kubeconfig.</summary>
    /// <param name="pod">The member's pod.</param>
    /// <param name="cluster">Name of the cluster.</param>
    public static bool IsMounted(V1Pod pod, string cluster) =>
        pod.Spec?.Volumes?.Any(volume => volume.Name == Volume && volume.Secret?.Items?.Any(item => item.Key == KeyOf(cluster, Files[0])) == true) == true;

    private static bool IsOfAny(string key, IReadOnlyCollection<string> clusters) =>
        clusters.Any(cluster => Files.Any(file => string.Equals(key, KeyOf(cluster, file), StringComparison.Ordinal)));

    private static string KeyOf(string cluster, string file) => $"{cluster}.{file}";
}
