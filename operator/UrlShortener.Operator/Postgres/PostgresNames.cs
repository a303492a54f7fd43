using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Postgres;

/// <summary>Names, labels and ports of a region's PostgreSQL. Pure.</summary>
internal static class PostgresNames
{
    /// <summary>The component.</summary>
    public const string Component = Names.Postgres;

    /// <summary>Name of the container.</summary>
    public const string Container = "postgres";

    /// <summary>Name of the volume.</summary>
    public const string DataVolume = "data";

    /// <summary>Port of PostgreSQL.</summary>
    public const int Port = 5432;

    /// <summary>Port of Patroni's REST API.</summary>
    public const int RestPort = 8008;

    /// <summary>Database and role of the app.</summary>
    public const string Database = "shortener";

    /// <summary>The superuser. Members and the operator authenticate as it by certificate, and nobody by password.</summary>
    public const string Superuser = "postgres";

    /// <summary>Role of replication connections between members.</summary>
    public const string Replicator = "replicator";

    /// <summary>Label of pods that Patroni sets: the role.</summary>
    public const string RoleLabel = $"{ApiGroup.Name}/postgres-role";

    /// <summary>Value of <see cref="RoleLabel"/> of the primary.</summary>
    public const string Primary = "primary";

    /// <summary>Value of <see cref="RoleLabel"/> of a replica.</summary>
    public const string Replica = "replica";

    /// <summary>Label with the scope, by which Patroni finds its objects.</summary>
    public const string ScopeLabel = $"{ApiGroup.Name}/postgres-scope";

    /// <summary>Folder of the certificates in a member.</summary>
    public const string CertificateFolder = "/etc/postgres-tls";

    /// <summary>Folder of Patroni's configuration in a member.</summary>
    public const string SettingsFolder = "/etc/patroni";

    /// <summary>Folder of the volume in a member.</summary>
    public const string DataFolder = "/var/lib/postgresql/data";

    /// <summary>The database in that folder.</summary>
    public const string DataSubfolder = "pgroot";

    /// <summary>Folder of the socket in a member.</summary>
    public const string SocketFolder = "/run/postgresql";

    /// <summary>Patroni's scope: also the name of the StatefulSet, its Service and its service account.</summary>
    public static string ScopeOf(V1Alpha1ShortenerRegion region) => Names.Of(region.Metadata.Name, Component);

    /// <summary>Patroni's ConfigMap with the lock of the leader.</summary>
    public static string LeaderOf(V1Alpha1ShortenerRegion region) => $"{ScopeOf(region)}-leader";

    /// <summary>Patroni's ConfigMap with the dynamic configuration.</summary>
    public static string ConfigOf(V1Alpha1ShortenerRegion region) => $"{ScopeOf(region)}-config";

    /// <summary>Patroni's ConfigMap with the synchronous replicas.</summary>
    public static string SyncOf(V1Alpha1ShortenerRegion region) => $"{ScopeOf(region)}-sync";

    /// <summary>Patroni's ConfigMap with the members of the failsafe mode.</summary>
    public static string FailsafeOf(V1Alpha1ShortenerRegion region) => $"{ScopeOf(region)}-failsafe";

    /// <summary>Patroni's ConfigMap with the move of the primary that was asked for.</summary>
    public static string FailoverOf(V1Alpha1ShortenerRegion region) => $"{ScopeOf(region)}-failover";

    /// <summary>Labels of Patroni's ConfigMaps, by which it finds them.</summary>
    public static Dictionary<string, string> PatroniLabelsOf(V1Alpha1ShortenerRegion region) =>
        Labels.Merge(Labels.Of(region.Metadata.Name, Component, region.Spec.Region), [new(ScopeLabel, ScopeOf(region))]);

    /// <summary>Whether an object has labels.</summary>
    public static bool HasLabels(IMetadata<V1ObjectMeta> entity, IReadOnlyDictionary<string, string> labels) =>
        labels.All(label => entity.Metadata.Labels is { } live && live.TryGetValue(label.Key, out var value) && value == label.Value);

    /// <summary>The Secret with the password of the app's role.</summary>
    public static string PasswordOf(V1Alpha1ShortenerRegion region) => Names.Of(region.Metadata.Name, $"{Component}-app");

    /// <summary>Name of a member: its pod.</summary>
    public static string MemberOf(V1Alpha1ShortenerRegion region, int ordinal) => $"{ScopeOf(region)}-{ordinal}";

    /// <summary>Name of a member's PersistentVolumeClaim.</summary>
    public static string ClaimOf(V1Alpha1ShortenerRegion region, int ordinal) => $"{DataVolume}-{MemberOf(region, ordinal)}";

    /// <summary>Whether a PersistentVolumeClaim is that of a member, which the region has or had.</summary>
    public static bool IsClaimOf(V1Alpha1ShortenerRegion region, string claim) =>
        claim.StartsWith($"{DataVolume}-{ScopeOf(region)}-", StringComparison.Ordinal)
        && int.TryParse(
            claim.AsSpan(DataVolume.Length + ScopeOf(region).Length + 2),
            System.Globalization.NumberStyles.None,
            System.Globalization.CultureInfo.InvariantCulture,
            out var ordinal
        )
        && ordinal < region.Spec.Postgres!.Instances;

    /// <summary>DNS name of the headless Service; every member's certificate has it.</summary>
    public static string ServiceHostOf(V1Alpha1ShortenerRegion region) => $"{ScopeOf(region)}.{region.Metadata.NamespaceProperty}.svc";

    /// <summary>DNS name of a member.</summary>
    public static string HostOf(V1Alpha1ShortenerRegion region, int ordinal) => $"{MemberOf(region, ordinal)}.{ServiceHostOf(region)}";

    /// <summary>Where members of other regions reach the primary.</summary>
    public static (string Host, int Port) ReplicationEndpointOf(V1Alpha1ShortenerRegion region) =>
        region.Spec.Postgres!.ReplicationEndpoint is { } endpoint
            ? (endpoint.Host, endpoint.Port)
            : ($"{Names.Of(region.Metadata.Name, $"{Component}-rw")}.{region.Metadata.NamespaceProperty}.svc", Port);

    /// <summary>Names in the certificate of the members.</summary>
    public static IReadOnlyList<string> CertificateNamesOf(V1Alpha1ShortenerRegion region)
    {
        var (service, space) = (ServiceHostOf(region), region.Metadata.NamespaceProperty);
        var scope = ScopeOf(region);
        return
        [
            service,
            $"*.{service}",
            $"*.{service}.cluster.local",
            $"{scope}-rw.{space}.svc",
            $"{scope}-rw.{space}.svc.cluster.local",
            $"{scope}-ro.{space}.svc",
            $"{scope}-ro.{space}.svc.cluster.local",
        ];
    }
}
