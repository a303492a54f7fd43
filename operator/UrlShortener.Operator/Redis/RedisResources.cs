using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Redis;

/// <summary>Builds the objects of a region's Redis. Pure; each object has only the fields that the operator owns.</summary>
internal static class RedisResources
{
    /// <summary>Last part of the name of the Secret with the password.</summary>
    public const string AuthSuffix = $"{Names.Redis}-auth";

    /// <summary>Last part of the name of the Secret with which the app connects.</summary>
    public const string ConnectionSuffix = $"{Names.Redis}-connection";

    /// <summary>Key of the file with the password in the Secret.</summary>
    public const string AuthFile = "auth.conf";

    private const string ClientPortName = "redis";
    private const string BusPortName = "bus";
    private const string ConfigFolder = "/etc/redis/config";
    private const string AuthFolder = "/etc/redis/auth";
    private const string TlsFolder = "/etc/redis/tls";
    private const string DataFolder = "/data";
    private const string RunFolder = "/run/redis";

    // The user of the official images, as a number so that Kubernetes can check that it is not root.
    private const long User = 999;

    // Time for the hand-over, and for replicas to read what the node still sends.
    private const int TerminationSeconds = 30;

    /// <summary>The service account of the pods, without rights and without a mounted token.</summary>
    public static V1ServiceAccount BuildServiceAccount(V1Alpha1ShortenerRegion region) =>
        new() { Metadata = Owned.Metadata(region, Names.Redis, Names.Redis), AutomountServiceAccountToken = false };

    /// <summary>Configuration and scripts of the nodes.</summary>
    public static V1ConfigMap BuildConfig(V1Alpha1ShortenerRegion region) =>
        new() { Metadata = Owned.Metadata(region, Names.Redis, Names.Redis), Data = RedisConfig.Build(region.Spec.Redis!) };

    /// <summary>The headless Service: names of the pods. It has all pods: clients find out themselves which nodes serve.</summary>
    public static V1Service BuildService(V1Alpha1ShortenerRegion region) =>
        new()
        {
            Metadata = Owned.Metadata(region, Names.Redis, Names.Redis),
            Spec = new V1ServiceSpec
            {
                Type = "ClusterIP",
                ClusterIP = "None",
                Selector = SelectorOf(region),
                PublishNotReadyAddresses = true,
                Ports = [PodParts.BuildServicePort(ClientPortName, RedisNames.Port)],
            },
        };

    /// <summary>
    /// Lets a drain evict one pod of each shard at a time. One budget for all of them would let no drain end where volumes are bound to nodes: the first evicted
    /// pod waits for its node, and uses the budget up.
    /// </summary>
    public static V1PodDisruptionBudget BuildDisruptionBudget(V1Alpha1ShortenerRegion region, int shard) =>
        new()
        {
            Metadata = Owned.Metadata(region, RedisNames.ShardSuffix(shard), Names.Redis),
            Spec = new V1PodDisruptionBudgetSpec
            {
                MaxUnavailable = 1,
                Selector = new V1LabelSelector { MatchLabels = SelectorOf(region, shard) },
            },
        };

    /// <summary>Admits the processes of the region and the operator to the port of clients, and the nodes to each other.</summary>
    public static V1NetworkPolicy BuildNetworkPolicy(V1Alpha1ShortenerRegion region) =>
        new()
        {
            Metadata = Owned.Metadata(region, Names.Redis, Names.Redis),
            Spec = new V1NetworkPolicySpec
            {
                PodSelector = new V1LabelSelector { MatchLabels = SelectorOf(region) },
                PolicyTypes = ["Ingress"],
                Ingress =
                [
                    Workload.Admit(ClientPortName, [Workload.FromPods(Labels.SelectorOfRegion(region.Spec.Region)), Workload.FromProgram(Labels.Manager)]),
                    Workload.Admit(BusPortName, [Workload.FromPods(SelectorOf(region))]),
                ],
            },
        };

    /// <summary>A shard: its master and its replicas. The operator replaces the pods after a change.</summary>
    /// <param name="region">The region.</param>
    /// <param name="shard">The shard.</param>
    /// <param name="pods">Number of its pods. Those that are no longer asked for stay until they are not needed.</param>
    public static V1StatefulSet BuildShard(V1Alpha1ShortenerRegion region, int shard, int pods)
    {
        var redis = region.Spec.Redis!;
        var selector = SelectorOf(region, shard);
        var metadata = Owned.Metadata(region, RedisNames.ShardSuffix(shard), Names.Redis);
        metadata.Labels = Labels.WithVersion(metadata.Labels, redis.Image);
        metadata.Labels[RedisNames.ShardLabel] = selector[RedisNames.ShardLabel];
        return new V1StatefulSet
        {
            Metadata = metadata,
            Spec = new V1StatefulSetSpec
            {
                ServiceName = RedisNames.Of(region),
                Replicas = pods,
                PodManagementPolicy = "Parallel",
                UpdateStrategy = new V1StatefulSetUpdateStrategy { Type = "OnDelete" },
                RevisionHistoryLimit = 5,
                PersistentVolumeClaimRetentionPolicy = new V1StatefulSetPersistentVolumeClaimRetentionPolicy
                {
                    WhenDeleted = redis.Storage.OnDelete,
                    WhenScaled = redis.Storage.OnDelete,
                },
                Selector = new V1LabelSelector { MatchLabels = selector },
                Template = BuildPod(region, selector),
                VolumeClaimTemplates =
                [
                    new V1PersistentVolumeClaim
                    {
                        Metadata = new V1ObjectMeta { Name = "data" },
                        Spec = new V1PersistentVolumeClaimSpec
                        {
                            AccessModes = ["ReadWriteOnce"],
                            StorageClassName = redis.Storage.StorageClassName,
                            Resources = new V1VolumeResourceRequirements
                            {
                                Requests = new Dictionary<string, ResourceQuantity> { ["storage"] = redis.Storage.Size },
                            },
                        },
                    },
                ],
            },
        };
    }

    /// <summary>Labels of all pods of a region's Redis.</summary>
    public static Dictionary<string, string> SelectorOf(V1Alpha1ShortenerRegion region) => Labels.SelectorOf(region.Metadata.Name, Names.Redis);

    /// <summary>Labels of the pods of a shard. Its StatefulSet, the Services and the operator find them by these.</summary>
    public static IReadOnlyDictionary<string, string> LabelsOf(V1Alpha1ShortenerRegion region, int shard) => MergeLabels(region, SelectorOf(region, shard));

    private static Dictionary<string, string> MergeLabels(V1Alpha1ShortenerRegion region, Dictionary<string, string> selector) =>
        Labels.Merge(Labels.Of(region.Metadata.Name, Names.Redis, region.Spec.Region), selector);

    private static Dictionary<string, string> SelectorOf(V1Alpha1ShortenerRegion region, int shard) =>
        new(SelectorOf(region)) { [RedisNames.ShardLabel] = shard.ToString(System.Globalization.CultureInfo.InvariantCulture) };

    private static V1PodTemplateSpec BuildPod(V1Alpha1ShortenerRegion region, Dictionary<string, string> selector)
    {
        var redis = region.Spec.Redis!;
        return new V1PodTemplateSpec
        {
            Metadata = new V1ObjectMeta
            {
                Labels = MergeLabels(region, selector),
                Annotations = new Dictionary<string, string> { [Labels.SettingsDigest] = RedisConfig.DigestOfFixed() },
            },
            Spec = new V1PodSpec
            {
                ServiceAccountName = RedisNames.Of(region),
                AutomountServiceAccountToken = false,
                EnableServiceLinks = false,
                TerminationGracePeriodSeconds = TerminationSeconds,
                PriorityClassName = redis.PriorityClassName,
                NodeSelector = redis.NodeSelector.Count > 0 ? new Dictionary<string, string>(redis.NodeSelector) : null,
                Tolerations = redis.Tolerations.Count > 0 ? [.. redis.Tolerations.Select(toleration => toleration.ToCore())] : null,
                TopologySpreadConstraints = [PodParts.BuildSpread(PodParts.Zone, SelectorOf(region)), PodParts.BuildSpread(PodParts.Node, SelectorOf(region))],
                // The loss of a zone or a node must not take a master together with its replica. Constraints cannot have the same key twice.
                Affinity = new V1Affinity
                {
                    PodAntiAffinity = new V1PodAntiAffinity
                    {
                        PreferredDuringSchedulingIgnoredDuringExecution = [Avoid(PodParts.Zone, selector), Avoid(PodParts.Node, selector)],
                    },
                },
                // A volume with many files would otherwise delay every start.
                SecurityContext = PodParts.BuildUser(User, groupChange: "OnRootMismatch"),
                Containers = [BuildContainer(region)],
                Volumes =
                [
                    new V1Volume
                    {
                        Name = "config",
                        ConfigMap = new V1ConfigMapVolumeSource { Name = RedisNames.Of(region) },
                    },
                    PodParts.BuildSecret("auth", Names.Of(region.Metadata.Name, AuthSuffix), AuthFile),
                    PodParts.BuildSecret(
                        "tls",
                        StoreCertificates.NameOf(region, Names.Redis),
                        CertificateData.ServingCertificate,
                        CertificateData.ServingKey,
                        CertificateData.Bundle
                    ),
                    // Outlives the container, not the pod: tells a container that another one ran before it at the same address. In memory, as it has a password.
                    new V1Volume
                    {
                        Name = "run",
                        EmptyDir = new V1EmptyDirVolumeSource { Medium = "Memory", SizeLimit = new ResourceQuantity("1Mi") },
                    },
                ],
            },
        };
    }

    private static V1Container BuildContainer(V1Alpha1ShortenerRegion region) =>
        new()
        {
            Name = RedisNames.Container,
            Image = region.Spec.Redis!.Image,
            Command = ["sh", $"{ConfigFolder}/start.sh"],
            TerminationMessagePolicy = "FallbackToLogsOnError",
            Ports = [PodParts.BuildPort(ClientPortName, RedisNames.Port), PodParts.BuildPort(BusPortName, RedisNames.BusPort)],
            Env =
            [
                PodParts.BuildField("POD_IP", "status.podIP"),
                PodParts.BuildField("POD_NAME", "metadata.name"),
                new V1EnvVar { Name = "REDIS_HOST", Value = RedisNames.HostOf(region) },
                new V1EnvVar { Name = "REDIS_CONFIG", Value = ConfigFolder },
                new V1EnvVar { Name = "REDIS_AUTH", Value = AuthFolder },
                new V1EnvVar { Name = "REDIS_TLS", Value = TlsFolder },
                new V1EnvVar { Name = "REDIS_DATA", Value = DataFolder },
                new V1EnvVar { Name = "REDIS_RUN", Value = RunFolder },
            ],
            Resources = region.Spec.Redis.Resources.ToCore(),
            ReadinessProbe = Probe("ready.sh", periodSeconds: 5, failureThreshold: 2),
            LivenessProbe = Probe("live.sh", periodSeconds: 10, failureThreshold: 3),
            Lifecycle = new V1Lifecycle { PreStop = new V1LifecycleHandler { Exec = new V1ExecAction { Command = ["sh", $"{ConfigFolder}/stop.sh"] } } },
            SecurityContext = PodParts.BuildRestricted(),
            VolumeMounts =
            [
                PodParts.BuildMount("config", ConfigFolder, isReadOnly: true),
                PodParts.BuildMount("auth", AuthFolder, isReadOnly: true),
                PodParts.BuildMount("tls", TlsFolder, isReadOnly: true),
                PodParts.BuildMount("data", DataFolder),
                PodParts.BuildMount("run", RunFolder),
            ],
        };

    private static V1Probe Probe(string script, int periodSeconds, int failureThreshold) =>
        new()
        {
            Exec = new V1ExecAction { Command = ["sh", $"{ConfigFolder}/{script}"] },
            PeriodSeconds = periodSeconds,
            TimeoutSeconds = 5,
            FailureThreshold = failureThreshold,
            SuccessThreshold = 1,
        };

    private static V1WeightedPodAffinityTerm Avoid(string key, Dictionary<string, string> selector) =>
        new()
        {
            Weight = 100,
            PodAffinityTerm = new V1PodAffinityTerm
            {
                TopologyKey = key,
                LabelSelector = new V1LabelSelector { MatchLabels = selector },
            },
        };
}
