using k8s.Models;
using UrlShortener.Contracts;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Pods;

/// <summary>
/// What the pods of the app and the loaders have to reach ClickHouse: settings, and Secrets as files. Nothing of it holds up a pod: without its Secret or
/// ClickHouse, there are no statistics, and click events wait in Kafka.
/// </summary>
internal static class Analytics
{
    private const string Folder = "/etc/url-shortener/clickhouse";
    private const string Connection = "clickhouse-connection";
    private const string Authority = "clickhouse-ca";

    /// <summary>Settings of the processes.</summary>
    public static IEnumerable<KeyValuePair<string, string>> SettingsOf(V1Alpha1ShortenerRegion region)
    {
        if (region.Spec.ClickHouse is not { } clickHouse)
            yield break;
        yield return new(SettingNames.ClickHousePath, $"{Folder}/{Connection}/{clickHouse.ConnectionSecretRef.Key}");
        if (clickHouse.CaSecretRef is { } ca)
            yield return new(SettingNames.ClickHouseCaPath, $"{Folder}/{Authority}/{ca.Key}");
    }

    /// <summary>The Secret keys that the processes read as files.</summary>
    public static IEnumerable<SecretKeyRef> SecretsOf(V1Alpha1ShortenerRegion region)
    {
        if (region.Spec.ClickHouse is not { } clickHouse)
            yield break;
        yield return clickHouse.ConnectionSecretRef;
        if (clickHouse.CaSecretRef is { } ca)
            yield return ca;
    }

    /// <summary>The volumes of a pod.</summary>
    public static IEnumerable<V1Volume> BuildVolumes(V1Alpha1ShortenerRegion region, string component)
    {
        if (component is not (Names.App or Names.Clicks) || region.Spec.ClickHouse is not { } clickHouse)
            yield break;
        yield return PodParts.BuildOptionalSecret(Connection, clickHouse.ConnectionSecretRef.Name, clickHouse.ConnectionSecretRef.Key);
        if (clickHouse.CaSecretRef is { } ca)
            yield return PodParts.BuildOptionalSecret(Authority, ca.Name, ca.Key);
    }

    /// <summary>Their mounts.</summary>
    public static IEnumerable<V1VolumeMount> BuildMounts(V1Alpha1ShortenerRegion region, string component) =>
        BuildVolumes(region, component).Select(volume => PodParts.BuildMount(volume.Name, $"{Folder}/{volume.Name}", isReadOnly: true));
}
