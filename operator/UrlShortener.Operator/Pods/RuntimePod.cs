using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Pods;

/// <summary>Builds the pods of the runtime, in any role, with minimal rights.</summary>
internal static class RuntimePod
{
    /// <summary>Port of the runtime in its pods.</summary>
    public const int Port = 8080;

    /// <summary>Name of that port.</summary>
    public const string PortName = "http";

    /// <summary>Port of metrics, probes and key generation.</summary>
    public const int ManagementPort = 8081;

    /// <summary>Name of that port.</summary>
    public const string ManagementPortName = "management";

    /// <summary>Name of the container.</summary>
    public const string Container = "runtime";

    // The user of the .NET images, as a number so that Kubernetes can check that it is not root.
    private const long User = 1_654;

    /// <summary>
    /// Time for the drain, running requests and queued clicks, plus 5 s of reserve. The deletion of a namespace waits for its pods in steps of half this time
    /// plus one second. With 35 s, the third step comes after 54 s, when every pod has ended.
    /// </summary>
    public const int TerminationSeconds = 35;

    /// <summary>
    /// Seconds that pods stay on a node after Kubernetes found it lost, instead of its default of 300. They have no state, so that others can serve at once; a
    /// node that is back within that time keeps its pods.
    /// </summary>
    public const int LostNodeSeconds = 30;

    // Taints that Kubernetes sets on a lost node: its kubelet reports trouble, or nothing at all.
    private static readonly IReadOnlyList<string> LostNodeTaints = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

    private static readonly IReadOnlyList<SpreadConstraint> DefaultSpread = [new() { TopologyKey = PodParts.Zone }, new() { TopologyKey = PodParts.Node }];

    /// <summary>A pod template.</summary>
    /// <param name="region">The region.</param>
    /// <param name="process">The process in the pod.</param>
    public static V1PodTemplateSpec Build(V1Alpha1ShortenerRegion region, RuntimeProcess process)
    {
        var app = region.Spec.App;
        var selector = Labels.SelectorOf(process.Instance, process.Component);
        return new V1PodTemplateSpec
        {
            Metadata = new V1ObjectMeta
            {
                Labels = Labels.Merge(app.PodLabels, Labels.Of(process.Instance, process.Component, region.Spec.Region)),
                Annotations = Labels.Merge(
                    process.IsJob ? [] : Labels.Scrape(ManagementPort),
                    app.PodAnnotations,
                    [new(Labels.SettingsDigest, process.SettingsDigest)]
                ),
            },
            Spec = new V1PodSpec
            {
                ServiceAccountName = Names.Of(region.Metadata.Name, "runtime"),
                AutomountServiceAccountToken = false,
                EnableServiceLinks = false,
                RestartPolicy = process.IsJob ? "Never" : "Always",
                TerminationGracePeriodSeconds = TerminationSeconds,
                PriorityClassName = app.PriorityClassName,
                NodeSelector = NullIfEmpty(app.NodeSelector),
                Tolerations = NullIfEmpty([.. app.Tolerations.Select(toleration => toleration.ToCore()), .. process.IsJob ? [] : BuildTolerations(app)]),
                ImagePullSecrets = NullIfEmpty(app.ImagePullSecrets.Select(secret => new V1LocalObjectReference { Name = secret.Name })),
                TopologySpreadConstraints = process.IsJob
                    ? null
                    :
                    [
                        .. (app.TopologySpreadConstraints.Count > 0 ? app.TopologySpreadConstraints : DefaultSpread).Select(constraint =>
                            constraint.ToCore(selector)
                        ),
                    ],
                SecurityContext = PodParts.BuildUser(User),
                Containers = [BuildContainer(region, process)],
                Volumes =
                [
                    .. BuildVolumes(region),
                    .. ClickEvents.BuildVolumes(region, process.Component),
                    .. Analytics.BuildVolumes(region, process.Component),
                ],
            },
        };
    }

    // A migration keeps Kubernetes' default: it may still run on a node that is only cut off.
    private static IEnumerable<V1Toleration> BuildTolerations(AppSpec app) =>
        LostNodeTaints
            .Where(taint => !app.Tolerations.Any(toleration => toleration.CoversExecution(taint)))
            .Select(taint => new V1Toleration
            {
                Key = taint,
                OperatorProperty = "Exists",
                Effect = "NoExecute",
                TolerationSeconds = LostNodeSeconds,
            });

    private static V1Container BuildContainer(V1Alpha1ShortenerRegion region, RuntimeProcess process) =>
        new()
        {
            Name = Container,
            Image = process.Image,
            ImagePullPolicy = region.Spec.App.ImagePullPolicy,
            Args = [.. process.Arguments],
            // Conditions and events use the end of the log as the cause.
            TerminationMessagePolicy = "FallbackToLogsOnError",
            Ports = process.IsJob ? null : [PodParts.BuildPort(PortName, Port), PodParts.BuildPort(ManagementPortName, ManagementPort)],
            EnvFrom = [new V1EnvFromSource { ConfigMapRef = new V1ConfigMapEnvSource { Name = Names.Of(region.Metadata.Name, "settings") } }],
            Env = NullIfEmpty([
                .. process.Settings.Select(setting => new V1EnvVar { Name = RuntimeEnvironment.Variable(setting.Key), Value = setting.Value }),
                .. RuntimeEnvironment.Secret(region),
                .. process.Secrets,
            ]),
            Resources = ClickEvents.AddSpool(process.Resources.ToCore(), region, process.Component),
            // A start waits briefly for PostgreSQL; a busy node starts slowly.
            StartupProbe = process.IsJob ? null : Probe("/health/startup", periodSeconds: 1, failureThreshold: 60),
            ReadinessProbe = process.IsJob ? null : Probe("/health/ready", periodSeconds: 2, failureThreshold: 2),
            LivenessProbe = process.IsJob ? null : Probe("/health/live", periodSeconds: 10, failureThreshold: 3),
            SecurityContext = PodParts.BuildRestricted(),
            VolumeMounts = [.. BuildMounts(region), .. ClickEvents.BuildMounts(region, process.Component), .. Analytics.BuildMounts(region, process.Component)],
        };

    /// <summary>The port of a pod that serves metrics, probes and key generation. Pods of a former version of the operator serve them beside the links.</summary>
    public static int ManagementPortOf(V1Pod pod) =>
        pod.Spec?.Containers.SelectMany(container => container.Ports ?? []).FirstOrDefault(port => port.Name == ManagementPortName)?.ContainerPort ?? Port;

    private static V1Probe Probe(string path, int periodSeconds, int failureThreshold) =>
        new()
        {
            HttpGet = new V1HTTPGetAction
            {
                Path = path,
                Port = ManagementPortName,
                Scheme = "HTTP",
            },
            PeriodSeconds = periodSeconds,
            TimeoutSeconds = 2,
            FailureThreshold = failureThreshold,
            SuccessThreshold = 1,
        };

    private static IEnumerable<V1Volume> BuildVolumes(V1Alpha1ShortenerRegion region)
    {
        yield return new V1Volume
        {
            Name = "tmp",
            EmptyDir = new V1EmptyDirVolumeSource { SizeLimit = new ResourceQuantity("64Mi") },
        };
        if (region.Spec.App.BlocklistConfigMapRef is { } blocklist)
            yield return new V1Volume
            {
                Name = "blocklist",
                ConfigMap = new V1ConfigMapVolumeSource { Name = blocklist.Name },
            };
        if (region.Spec.Redis is not null)
        {
            yield return BuildAuthorities(region, Names.Redis);
            yield return BuildConnection(Names.Redis, StoreConnections.RedisOf(region)!);
        }

        if (region.Spec.Postgres is not null)
        {
            yield return BuildAuthorities(region, Names.Postgres);
            yield return BuildConnection(Names.Postgres, StoreConnections.PostgresOf(region)!);
        }
    }

    private static IEnumerable<V1VolumeMount> BuildMounts(V1Alpha1ShortenerRegion region)
    {
        yield return PodParts.BuildMount("tmp", "/tmp");
        // Mounts the folder, not the file: a mounted file does not change with the ConfigMap.
        if (region.Spec.App.BlocklistConfigMapRef is not null)
            yield return PodParts.BuildMount("blocklist", RuntimeEnvironment.BlocklistFolder, isReadOnly: true);
        if (region.Spec.Postgres is not null)
            yield return PodParts.BuildMount(Names.Postgres, RuntimeEnvironment.PostgresFolder, isReadOnly: true);
        if (region.Spec.Postgres is not null)
            yield return MountConnection(Names.Postgres);
        if (region.Spec.Redis is not null)
            yield return MountConnection(Names.Redis);
        if (region.Spec.Redis is not null)
            yield return PodParts.BuildMount(Names.Redis, RuntimeEnvironment.RedisFolder, isReadOnly: true);
    }

    // The Secret has private keys too.
    private static V1Volume BuildAuthorities(V1Alpha1ShortenerRegion region, string component) =>
        new()
        {
            Name = component,
            Secret = new V1SecretVolumeSource
            {
                SecretName = StoreConnections.TlsOf(region, component),
                Items = [new V1KeyToPath { Key = StoreConnections.BundleFile, Path = StoreConnections.BundleFile }],
            },
        };

    private static V1Volume BuildConnection(string component, SecretKeyRef connection) =>
        PodParts.BuildSecret($"{component}-connection", connection.Name, connection.Key);

    private static V1VolumeMount MountConnection(string component) =>
        PodParts.BuildMount($"{component}-connection", RuntimeEnvironment.ConnectionFolderOf(component), isReadOnly: true);

    // The server omits empty fields; the applied object must match the one that is read.
    private static List<T>? NullIfEmpty<T>(IEnumerable<T> items) => items.ToList() is { Count: > 0 } list ? list : null;

    private static Dictionary<string, string>? NullIfEmpty(IReadOnlyDictionary<string, string> items) =>
        items.Count > 0 ? new Dictionary<string, string>(items) : null;
}
