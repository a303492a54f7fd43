using k8s.Models;

namespace UrlShortener.Operator.Pods;

/// <summary>Parts that pods of several programs have in common. Pure.</summary>
internal static class PodParts
{
    /// <summary>Label of nodes with their zone. Kubernetes copies it to pods from 1.35 on.</summary>
    public const string Zone = "topology.kubernetes.io/zone";

    /// <summary>Label of nodes with their name.</summary>
    public const string Node = "kubernetes.io/hostname";

    // The group is that of the pod. PostgreSQL refuses a private key that others can read.
    private const int SecretMode = 0b100_100_000;

    /// <summary>A container without rights, on a root file system that it cannot change.</summary>
    public static V1SecurityContext BuildRestricted() =>
        new()
        {
            AllowPrivilegeEscalation = false,
            ReadOnlyRootFilesystem = true,
            Capabilities = new V1Capabilities { Drop = ["ALL"] },
        };

    /// <summary>The user of a pod, which owns its volumes.</summary>
    /// <param name="user">As a number, so that Kubernetes can check that it is not root.</param>
    /// <param name="groupChange">When the kubelet changes the group of a volume's files; null: at each mount.</param>
    public static V1PodSecurityContext BuildUser(long user, string? groupChange = null) =>
        new()
        {
            RunAsNonRoot = true,
            RunAsUser = user,
            RunAsGroup = user,
            FsGroup = user,
            FsGroupChangePolicy = groupChange,
            SeccompProfile = new V1SeccompProfile { Type = "RuntimeDefault" },
        };

    /// <summary>A port of a container.</summary>
    public static V1ContainerPort BuildPort(string name, int port) =>
        new()
        {
            Name = name,
            ContainerPort = port,
            Protocol = "TCP",
        };

    /// <summary>A port of a Service, which leads to the container's port with the same name.</summary>
    public static V1ServicePort BuildServicePort(string name, int port) =>
        new()
        {
            Name = name,
            Port = port,
            TargetPort = name,
            Protocol = "TCP",
        };

    /// <summary>A variable with a field of the pod.</summary>
    public static V1EnvVar BuildField(string name, string path) =>
        new()
        {
            Name = name,
            ValueFrom = new V1EnvVarSource
            {
                FieldRef = new V1ObjectFieldSelector { ApiVersion = "v1", FieldPath = path },
            },
        };

    /// <summary>A volume with files of a Secret, which the pod alone can read.</summary>
    /// <param name="name">Name of the volume.</param>
    /// <param name="secret">Name of the Secret.</param>
    /// <param name="keys">Keys of the Secret, and names of the files.</param>
    public static V1Volume BuildSecret(string name, string secret, params IEnumerable<string> keys) =>
        new()
        {
            Name = name,
            Secret = new V1SecretVolumeSource
            {
                SecretName = secret,
                DefaultMode = SecretMode,
                Items = [.. keys.Select(key => new V1KeyToPath { Key = key, Path = key })],
            },
        };

    /// <summary>Like <see cref="BuildSecret"/>; a pod starts without the Secret, too, and finds it once it is there.</summary>
    public static V1Volume BuildOptionalSecret(string name, string secret, params IEnumerable<string> keys)
    {
        var volume = BuildSecret(name, secret, keys);
        volume.Secret.Optional = true;
        return volume;
    }

    /// <summary>A mount of a volume.</summary>
    public static V1VolumeMount BuildMount(string name, string path, bool isReadOnly = false) =>
        new()
        {
            Name = name,
            MountPath = path,
            ReadOnlyProperty = isReadOnly ? true : null,
        };

    /// <summary>Spreads pods over zones or nodes, as far as possible.</summary>
    /// <param name="key">Label of the nodes.</param>
    /// <param name="selector">Labels of the pods.</param>
    public static V1TopologySpreadConstraint BuildSpread(string key, IDictionary<string, string> selector) =>
        new()
        {
            MaxSkew = 1,
            TopologyKey = key,
            WhenUnsatisfiable = "ScheduleAnyway",
            LabelSelector = new V1LabelSelector { MatchLabels = selector },
            NodeTaintsPolicy = "Honor",
        };
}
