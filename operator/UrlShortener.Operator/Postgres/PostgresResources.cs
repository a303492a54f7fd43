using System.Globalization;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Postgres;

/// <summary>Builds the objects of a region's PostgreSQL. Pure; each object has only the fields that the operator owns.</summary>
internal static class PostgresResources
{
    /// <summary>Annotation of a pod template: digest of the local configuration, which members read at the start.</summary>
    public const string SettingsDigest = Labels.SettingsDigest;

    /// <summary>The ClusterRole of the members, a part of the installation. The operator may grant this one and no other.</summary>
    public const string MemberRole = "shortener-postgres-member";

    // The user of the image (config/images/postgres).
    private const long User = 999;

    // Time for a clean shutdown: a primary writes a checkpoint and waits for its standbys.
    private const int TerminationSeconds = 60;

    private const string DataVolume = "data";

    /// <summary>The service account of the members. Patroni reads and writes its objects and pods through the API.</summary>
    public static V1ServiceAccount BuildServiceAccount(V1Alpha1ShortenerRegion region) =>
        new() { Metadata = Metadata(region, PostgresNames.Component), AutomountServiceAccountToken = false };

    /// <summary>Grants the members what Patroni needs with ConfigMaps as its store (config/rbac/postgres.yaml).</summary>
    public static V1RoleBinding BuildRoleBinding(V1Alpha1ShortenerRegion region) =>
        new()
        {
            Metadata = Metadata(region, PostgresNames.Component),
            RoleRef = new V1RoleRef
            {
                ApiGroup = V1ClusterRole.KubeGroup,
                Kind = V1ClusterRole.KubeKind,
                Name = MemberRole,
            },
            Subjects =
            [
                new Rbacv1Subject
                {
                    Kind = V1ServiceAccount.KubeKind,
                    Name = PostgresNames.ScopeOf(region),
                    NamespaceProperty = region.Metadata.NamespaceProperty,
                },
            ],
        };

    /// <summary>The local configuration of the members.</summary>
    public static V1ConfigMap BuildSettings(V1Alpha1ShortenerRegion region, GroupPlace place) =>
        new()
        {
            Metadata = Metadata(region, $"{PostgresNames.Component}-settings"),
            Data = new Dictionary<string, string> { [PatroniConfiguration.FileName] = PatroniConfiguration.BuildLocal(region, place) },
        };

    /// <summary>Gives each member a name. Members that are not ready have one too: they find each other by it.</summary>
    public static V1Service BuildHeadlessService(V1Alpha1ShortenerRegion region) =>
        new()
        {
            Metadata = Metadata(region, PostgresNames.Component),
            Spec = new V1ServiceSpec
            {
                Type = "ClusterIP",
                ClusterIP = "None",
                PublishNotReadyAddresses = true,
                Selector = SelectorOf(region),
                Ports = [PodParts.BuildServicePort("postgres", PostgresNames.Port), PodParts.BuildServicePort("patroni", PostgresNames.RestPort)],
            },
        };

    /// <summary>Reaches the primary.</summary>
    public static V1Service BuildPrimaryService(V1Alpha1ShortenerRegion region) => BuildService(region, "rw", PostgresNames.Primary);

    /// <summary>Reaches a replica.</summary>
    public static V1Service BuildReplicaService(V1Alpha1ShortenerRegion region) => BuildService(region, "ro", PostgresNames.Replica);

    /// <summary>Lets a drain of nodes evict one member at a time.</summary>
    public static V1PodDisruptionBudget BuildDisruptionBudget(V1Alpha1ShortenerRegion region) =>
        new() { Metadata = Metadata(region, PostgresNames.Component), Spec = Workload.BuildDisruptionBudget(SelectorOf(region), 1) };

    /// <summary>Admits the region's pods, members of other regions and the operator to PostgreSQL, and members and the operator to Patroni.</summary>
    public static V1NetworkPolicy BuildNetworkPolicy(V1Alpha1ShortenerRegion region, GroupPlace place) =>
        new()
        {
            Metadata = Metadata(region, PostgresNames.Component),
            Spec = new V1NetworkPolicySpec
            {
                PodSelector = new V1LabelSelector { MatchLabels = SelectorOf(region) },
                PolicyTypes = ["Ingress"],
                Ingress =
                [
                    Workload.Admit(
                        Text(PostgresNames.Port),
                        [Workload.FromPods(Labels.SelectorOfRegion(region.Spec.Region)), Workload.FromProgram(Labels.Manager), .. place.Peers.Select(FromPeer)]
                    ),
                    Workload.Admit(Text(PostgresNames.RestPort), [Workload.FromPods(SelectorOf(region)), Workload.FromProgram(Labels.Manager)]),
                    .. region.Spec.Postgres!.Backup is null
                        ? []
                        : new[]
                        {
                            Workload.Admit(Text(PostgresArchiving.Port), [new V1NetworkPolicyPeer { PodSelector = PostgresArchiving.BackupPods(region) }]),
                        },
                ],
            },
        };

    /// <summary>The members. The operator replaces their pods itself, in its own order.</summary>
    /// <param name="region">The region.</param>
    /// <param name="replicas">Number of members.</param>
    /// <param name="size">Size of the volumes in the template, which cannot change; null: the one of the specification.</param>
    /// <param name="clusters">Other clusters whose votes the guards read; null: none.</param>
    public static V1StatefulSet BuildStatefulSet(
        V1Alpha1ShortenerRegion region,
        int replicas,
        ResourceQuantity? size = null,
        IReadOnlyList<string>? clusters = null
    )
    {
        var spec = region.Spec.Postgres!;
        return new V1StatefulSet
        {
            Metadata = Metadata(region, PostgresNames.Component),
            Spec = new V1StatefulSetSpec
            {
                Replicas = replicas,
                ServiceName = PostgresNames.ScopeOf(region),
                PodManagementPolicy = "Parallel",
                UpdateStrategy = new V1StatefulSetUpdateStrategy { Type = "OnDelete" },
                RevisionHistoryLimit = 5,
                PersistentVolumeClaimRetentionPolicy = new V1StatefulSetPersistentVolumeClaimRetentionPolicy
                {
                    WhenDeleted = spec.Storage.OnDelete,
                    WhenScaled = OnDeletion.Retain,
                },
                Selector = new V1LabelSelector { MatchLabels = SelectorOf(region) },
                Template = BuildTemplate(region, clusters ?? []),
                VolumeClaimTemplates = [BuildClaim(region, size ?? spec.Storage.Size)],
            },
        };
    }

    /// <summary>Labels by which the members' pods are selected.</summary>
    public static Dictionary<string, string> SelectorOf(V1Alpha1ShortenerRegion region) => Labels.SelectorOf(region.Metadata.Name, PostgresNames.Component);

    private static V1PodTemplateSpec BuildTemplate(V1Alpha1ShortenerRegion region, IReadOnlyList<string> clusters)
    {
        var template = BuildMemberTemplate(region);
        PostgresArchiving.AddTo(region, template.Spec);
        ClusterAccess.AddTo(region, template.Spec, clusters);
        return template;
    }

    private static V1PodTemplateSpec BuildMemberTemplate(V1Alpha1ShortenerRegion region)
    {
        var postgres = region.Spec.Postgres!;
        return new V1PodTemplateSpec
        {
            Metadata = new V1ObjectMeta
            {
                Labels = Labels.Merge(
                    Labels.Of(region.Metadata.Name, PostgresNames.Component, region.Spec.Region),
                    [new(PostgresNames.ScopeLabel, PostgresNames.ScopeOf(region))]
                ),
                Annotations = new Dictionary<string, string> { [SettingsDigest] = SettingsOf(region) },
            },
            Spec = new V1PodSpec
            {
                ServiceAccountName = PostgresNames.ScopeOf(region),
                AutomountServiceAccountToken = true,
                EnableServiceLinks = false,
                TerminationGracePeriodSeconds = TerminationSeconds,
                PriorityClassName = postgres.PriorityClassName,
                NodeSelector = postgres.NodeSelector.Count > 0 ? new Dictionary<string, string>(postgres.NodeSelector) : null,
                Tolerations = postgres.Tolerations.Count > 0 ? [.. postgres.Tolerations.Select(toleration => toleration.ToCore())] : null,
                TopologySpreadConstraints = [PodParts.BuildSpread(PodParts.Zone, SelectorOf(region)), PodParts.BuildSpread(PodParts.Node, SelectorOf(region))],
                ImagePullSecrets = region.Spec.App.ImagePullSecrets is { Count: > 0 } secrets
                    ? [.. secrets.Select(secret => new V1LocalObjectReference { Name = secret.Name })]
                    : null,
                // Otherwise the kubelet adds rights for the group at each mount, with which PostgreSQL refuses its folder.
                SecurityContext = PodParts.BuildUser(User, groupChange: "OnRootMismatch"),
                Containers = [BuildContainer(region)],
                Volumes =
                [
                    new V1Volume
                    {
                        Name = "settings",
                        ConfigMap = new V1ConfigMapVolumeSource { Name = Names.Of(region.Metadata.Name, $"{PostgresNames.Component}-settings") },
                    },
                    PodParts.BuildSecret(
                        "tls",
                        StoreCertificates.NameOf(region, PostgresNames.Component),
                        CertificateData.ServingCertificate,
                        CertificateData.ServingKey,
                        CertificateData.Bundle
                    ),
                    Memory("run", "16Mi"),
                    Memory("tmp", "64Mi"),
                    new V1Volume
                    {
                        Name = "shm",
                        EmptyDir = new V1EmptyDirVolumeSource { Medium = "Memory" },
                    },
                ],
            },
        };
    }

    private static V1Container BuildContainer(V1Alpha1ShortenerRegion region)
    {
        var spec = region.Spec.Postgres!;
        return new V1Container
        {
            Name = PostgresNames.Container,
            Image = spec.Image,
            ImagePullPolicy = region.Spec.App.ImagePullPolicy,
            Command = ["patroni", $"{PostgresNames.SettingsFolder}/{PatroniConfiguration.FileName}"],
            TerminationMessagePolicy = "FallbackToLogsOnError",
            Ports = [PodParts.BuildPort("postgres", PostgresNames.Port), PodParts.BuildPort("patroni", PostgresNames.RestPort)],
            Env =
            [
                PodParts.BuildField("PATRONI_NAME", "metadata.name"),
                PodParts.BuildField("PATRONI_KUBERNETES_NAMESPACE", "metadata.namespace"),
                PodParts.BuildField("PATRONI_KUBERNETES_POD_IP", "status.podIP"),
                Address("PATRONI_POSTGRESQL_LISTEN", PostgresNames.Port),
                Address("PATRONI_POSTGRESQL_CONNECT_ADDRESS", PostgresNames.Port),
                Address("PATRONI_RESTAPI_LISTEN", PostgresNames.RestPort),
                Address("PATRONI_RESTAPI_CONNECT_ADDRESS", PostgresNames.RestPort),
            ],
            Resources = spec.Resources.ToCore(),
            // The first start of a replica copies the whole database.
            StartupProbe = Probe("/liveness", periodSeconds: 2, failureThreshold: 30),
            ReadinessProbe = Probe("/readiness", periodSeconds: 3, failureThreshold: 2),
            LivenessProbe = Liveness(),
            SecurityContext = PodParts.BuildRestricted(),
            VolumeMounts =
            [
                PodParts.BuildMount(DataVolume, PostgresNames.DataFolder),
                PodParts.BuildMount("settings", PostgresNames.SettingsFolder, isReadOnly: true),
                PodParts.BuildMount("tls", PostgresNames.CertificateFolder, isReadOnly: true),
                PodParts.BuildMount("run", PostgresNames.SocketFolder),
                PodParts.BuildMount("tmp", "/tmp"),
                PodParts.BuildMount("shm", "/dev/shm"),
            ],
        };
    }

    /// <summary>The claim of the first member, as its StatefulSet makes it: a restore fills it before there are members.</summary>
    public static V1PersistentVolumeClaim BuildFirstClaim(V1Alpha1ShortenerRegion region)
    {
        var claim = BuildClaim(region, region.Spec.Postgres!.Storage.Size);
        claim.Metadata.Name = $"{DataVolume}-{PostgresNames.MemberOf(region, 0)}";
        claim.Metadata.NamespaceProperty = region.Metadata.NamespaceProperty;
        return claim;
    }

    private static V1PersistentVolumeClaim BuildClaim(V1Alpha1ShortenerRegion region, ResourceQuantity size)
    {
        var storage = region.Spec.Postgres!.Storage;
        return new V1PersistentVolumeClaim
        {
            ApiVersion = V1PersistentVolumeClaim.KubeApiVersion,
            Kind = V1PersistentVolumeClaim.KubeKind,
            Metadata = new V1ObjectMeta { Name = DataVolume, Labels = SelectorOf(region) },
            Spec = new V1PersistentVolumeClaimSpec
            {
                AccessModes = ["ReadWriteOnce"],
                StorageClassName = storage.StorageClassName,
                Resources = new V1VolumeResourceRequirements { Requests = new Dictionary<string, ResourceQuantity> { ["storage"] = size } },
            },
        };
    }

    // Parts that all members follow while they run are not in it: they do not need a restart.
    private static string SettingsOf(V1Alpha1ShortenerRegion region)
    {
        var local = System.Text.Json.Nodes.JsonNode.Parse(PatroniConfiguration.BuildLocal(region, GroupPlace.Alone))!.AsObject();
        local.Remove("bootstrap");
        return Digest.Of(local.ToJsonString());
    }

    private static V1Service BuildService(V1Alpha1ShortenerRegion region, string suffix, string role) =>
        new()
        {
            Metadata = Metadata(region, $"{PostgresNames.Component}-{suffix}"),
            Spec = new V1ServiceSpec
            {
                Type = "ClusterIP",
                Selector = new Dictionary<string, string>(SelectorOf(region)) { [PostgresNames.RoleLabel] = role },
                Ports = [PodParts.BuildServicePort("postgres", PostgresNames.Port)],
            },
        };

    private static V1NetworkPolicyPeer FromPeer(V1Alpha1ShortenerRegion peer)
    {
        var members = Workload.FromPods(SelectorOf(peer));
        members.NamespaceSelector = new V1LabelSelector
        {
            MatchLabels = new Dictionary<string, string> { ["kubernetes.io/metadata.name"] = peer.Metadata.NamespaceProperty },
        };
        return members;
    }

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);

    private static V1ObjectMeta Metadata(V1Alpha1ShortenerRegion region, string suffix) => Owned.Metadata(region, suffix, PostgresNames.Component);

    // The address is a variable above it in the list.
    private static V1EnvVar Address(string name, int port) =>
        new() { Name = name, Value = string.Create(CultureInfo.InvariantCulture, $"$(PATRONI_KUBERNETES_POD_IP):{port}") };

    // A frozen Patroni must not leave a primary behind: replicas that still receive from it would let it acknowledge writes that the next primary does not have.
    // Its container ends at the latest 13 s after the last answer, and the lock lives for at least ttl - loopWait (17 s, by the rules of the specification) after
    // that. Nothing is gained by a clean stop then.
    private static V1Probe Liveness()
    {
        var probe = Probe("/liveness", periodSeconds: 3, failureThreshold: 3);
        probe.TerminationGracePeriodSeconds = 1;
        return probe;
    }

    private static V1Probe Probe(string path, int periodSeconds, int failureThreshold) =>
        new()
        {
            HttpGet = new V1HTTPGetAction
            {
                Path = path,
                Port = PostgresNames.RestPort,
                Scheme = "HTTPS",
            },
            PeriodSeconds = periodSeconds,
            TimeoutSeconds = 3,
            FailureThreshold = failureThreshold,
            SuccessThreshold = 1,
        };

    private static V1Volume Memory(string name, string size) =>
        new()
        {
            Name = name,
            EmptyDir = new V1EmptyDirVolumeSource { SizeLimit = new ResourceQuantity(size) },
        };
}
