using System.Globalization;
using k8s.Models;
using UrlShortener.Contracts;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Pods;

/// <summary>
/// What the app's pods have to send click events to Kafka, and loaders to receive them: settings, Secrets as files, and, for the app, a volume for the spool.
/// Nothing of it holds up a pod: without its Secrets or Kafka, events wait in the spool.
/// </summary>
internal static class ClickEvents
{
    /// <summary>Mount path of the spool.</summary>
    public const string SpoolFolder = "/var/spool/url-shortener";

    private const string Spool = "spool";
    private const string Folder = "/etc/url-shortener/kafka";
    private const string Authority = "kafka-ca";
    private const string Certificate = "kafka-certificate";
    private const string Credentials = "kafka-credentials";
    private const string Storage = "ephemeral-storage";

    // Files of the spool are a little larger than their events. A volume that is larger than its limit would end the pod.
    private const decimal VolumeReserve = 64 * 1_048_576;

    /// <summary>Settings of the app's processes.</summary>
    public static IEnumerable<KeyValuePair<string, string>> SettingsOf(V1Alpha1ShortenerRegion region)
    {
        if (region.Spec.KafkaOrNone() is not { } kafka)
            yield break;
        yield return new(SettingNames.SpoolDirectory, SpoolFolder);
        yield return new(SettingNames.SpoolBytes, ((long)kafka.SpoolSize.ToDecimal()).ToString(CultureInfo.InvariantCulture));
        foreach (var setting in ConnectionOf(region))
            yield return setting;
    }

    /// <summary>Settings of all processes that connect to Kafka.</summary>
    public static IEnumerable<KeyValuePair<string, string>> ConnectionOf(V1Alpha1ShortenerRegion region)
    {
        if (region.Spec.KafkaOrNone() is not { } kafka)
            yield break;
        yield return new(SettingNames.Kafka, string.Join(',', kafka.BootstrapServers));
        yield return new(SettingNames.ClickTopic, kafka.Topic);
        if (kafka.Tls)
            yield return new(SettingNames.KafkaTls, "true");
        if (kafka.CaSecretRef is { } ca)
            yield return new(SettingNames.KafkaCaPath, $"{Folder}/{Authority}/{ca.Key}");
        if (kafka.CertificateSecretRef is { } certificate)
        {
            yield return new(SettingNames.KafkaCertificatePath, $"{Folder}/{Certificate}/{certificate.Certificate}");
            yield return new(SettingNames.KafkaKeyPath, $"{Folder}/{Certificate}/{certificate.PrivateKey}");
        }

        if (kafka is not { Mechanism: { } mechanism, Username: { } username, CredentialsSecretRef: { } password })
            yield break;
        yield return new(SettingNames.KafkaMechanism, mechanism);
        yield return new(SettingNames.KafkaUsername, username);
        yield return new(SettingNames.KafkaPasswordPath, $"{Folder}/{Credentials}/{password.Key}");
    }

    /// <summary>The Secret keys that the processes read as files.</summary>
    public static IEnumerable<SecretKeyRef> SecretsOf(V1Alpha1ShortenerRegion region)
    {
        var kafka = region.Spec.KafkaOrNone();
        if (kafka?.CaSecretRef is { } ca)
            yield return ca;
        if (kafka?.CertificateSecretRef is { } certificate)
        {
            yield return new SecretKeyRef { Name = certificate.Name, Key = certificate.Certificate };
            yield return new SecretKeyRef { Name = certificate.Name, Key = certificate.PrivateKey };
        }

        if (kafka?.CredentialsSecretRef is { } password)
            yield return password;
    }

    /// <summary>The volumes of a pod.</summary>
    public static IEnumerable<V1Volume> BuildVolumes(V1Alpha1ShortenerRegion region, string component)
    {
        if (component is not (Names.App or Names.Clicks) || region.Spec.KafkaOrNone() is not { } kafka)
            yield break;
        if (component == Names.App)
            yield return new V1Volume
            {
                Name = Spool,
                EmptyDir = new V1EmptyDirVolumeSource { SizeLimit = SizeOf(kafka) },
            };
        if (kafka.CaSecretRef is { } ca)
            yield return PodParts.BuildOptionalSecret(Authority, ca.Name, ca.Key);
        if (kafka.CertificateSecretRef is { } certificate)
            yield return PodParts.BuildOptionalSecret(Certificate, certificate.Name, certificate.Certificate, certificate.PrivateKey);
        if (kafka.CredentialsSecretRef is { } password)
            yield return PodParts.BuildOptionalSecret(Credentials, password.Name, password.Key);
    }

    /// <summary>Their mounts.</summary>
    public static IEnumerable<V1VolumeMount> BuildMounts(V1Alpha1ShortenerRegion region, string component) =>
        BuildVolumes(region, component)
            .Select(volume =>
                volume.Name == Spool ? PodParts.BuildMount(Spool, SpoolFolder) : PodParts.BuildMount(volume.Name, $"{Folder}/{volume.Name}", isReadOnly: true)
            );

    /// <summary>The resources of a pod with room for its spool, unless the specification says how much ephemeral storage it has.</summary>
    public static V1ResourceRequirements AddSpool(V1ResourceRequirements resources, V1Alpha1ShortenerRegion region, string component)
    {
        if (component != Names.App || region.Spec.KafkaOrNone() is not { } kafka)
            return resources;
        if (!resources.Requests.ContainsKey(Storage) && !resources.Limits.ContainsKey(Storage))
            resources.Requests[Storage] = SizeOf(kafka);
        return resources;
    }

    private static ResourceQuantity SizeOf(KafkaSpec kafka) =>
        new(decimal.Truncate(kafka.SpoolSize.ToDecimal()) + VolumeReserve, 0, ResourceQuantity.SuffixFormat.BinarySI);
}
