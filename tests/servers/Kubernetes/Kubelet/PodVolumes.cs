using System.Globalization;
using System.Net;
using System.Text;
using k8s;
using k8s.Autorest;
using k8s.Models;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>Puts what a pod mounts into folders of this machine, and collects the environment of its containers.</summary>
/// <param name="client">Client of the API server.</param>
/// <param name="pod">The pod.</param>
/// <param name="podIp">Its address.</param>
/// <param name="folder">A folder of the pod's own.</param>
/// <param name="claims">Where the data of claims is.</param>
internal sealed class PodVolumes(IKubernetes client, V1Pod pod, string podIp, string folder, ClaimFolders claims)
{
    /// <summary>What a kubelet gives files of ConfigMaps and Secrets when a pod says nothing: rw-r--r--.</summary>
    private const int DefaultMode = 420;

    private const UnixFileMode Anyone = (UnixFileMode)0b111_111_111;

    private readonly Dictionary<string, string> _folders = [];

    /// <summary>What was written last, by the volumes' names.</summary>
    private readonly Dictionary<string, Dictionary<string, VolumeFile>> _written = [];
    private readonly Dictionary<string, string> _tokens = [];

    private long? Group => pod.Spec.SecurityContext?.FsGroup;

    private string Namespace => pod.Metadata.NamespaceProperty;

    /// <summary>Writes all volumes.</summary>
    /// <exception cref="PodConfigurationException">Something that the pod mounts is not there yet, or is of a kind that does not exist here.</exception>
    public async Task WriteAsync(CancellationToken cancellationToken)
    {
        foreach (var volume in pod.Spec.Volumes ?? [])
        {
            var place = volume switch
            {
                { PersistentVolumeClaim: { } claim } => await FindClaimAsync(claim.ClaimName, cancellationToken),
                // Kubernetes makes the claim, with this name.
                { Ephemeral: not null } => await FindClaimAsync($"{pod.Metadata.Name}-{volume.Name}", cancellationToken),
                { HostPath: { } host } => host.Path,
                _ => Path.Combine(folder, "volumes", volume.Name),
            };
            Directory.CreateDirectory(place);
            _folders[volume.Name] = place;
            if (!IsWritable(volume))
                await WriteFilesAsync(volume, cancellationToken);
            else if (volume.EmptyDir is not null)
                File.SetUnixFileMode(place, Anyone);
            if (volume.HostPath is null && IsWritable(volume) && Group is { } group)
                await VolumeGroup.ApplyAsync(place, group, isWritable: true, pod.Spec.SecurityContext.FsGroupChangePolicy, cancellationToken);
        }
    }

    /// <summary>Writes those volumes again that have changed.</summary>
    /// <param name="mayHaveChanged">Says of a ConfigMap or Secret, by its kind and name, whether it may have.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="PodConfigurationException">Something is not there any more.</exception>
    public async Task RefreshAsync(Func<(string Kind, string Name), bool> mayHaveChanged, CancellationToken cancellationToken)
    {
        foreach (var volume in (pod.Spec.Volumes ?? []).Where(volume => SourcesOf(volume).Any(mayHaveChanged)))
            await WriteFilesAsync(volume, cancellationToken);
    }

    /// <summary>What a container mounts.</summary>
    public IReadOnlyList<ContainerMount> MountsOf(V1Container container) =>
        [
            .. (container.VolumeMounts ?? []).Select(mount =>
            {
                var source = _folders[mount.Name];
                if (mount.SubPath is { Length: > 0 } path && !File.Exists(source = Path.Combine(source, path)))
                    Directory.CreateDirectory(source);
                return new ContainerMount(source, mount.MountPath.TrimEnd('/'), mount.ReadOnlyProperty == true || !IsWritable(VolumeOf(mount)));
            }),
        ];

    /// <summary>What <c>env</c> and <c>envFrom</c> of a container say.</summary>
    /// <exception cref="PodConfigurationException">Something that they refer to is not there.</exception>
    public async Task<Dictionary<string, string>> ReadEnvironmentAsync(V1Container container, CancellationToken cancellationToken)
    {
        var environment = new Dictionary<string, string>
        {
            ["HOSTNAME"] = pod.Metadata.Name,
            ["KUBERNETES_SERVICE_HOST"] = client.BaseUri.Host,
            ["KUBERNETES_SERVICE_PORT"] = client.BaseUri.Port.ToString(CultureInfo.InvariantCulture),
        };
        foreach (var source in container.EnvFrom ?? [])
        {
            var entries = source switch
            {
                { ConfigMapRef: { } map } => Texts(await ReadConfigMapAsync(map.Name, map.Optional, cancellationToken)),
                { SecretRef: { } secret } => Texts(await ReadSecretAsync(secret.Name, secret.Optional, cancellationToken)),
                _ => [],
            };
            foreach (var (name, value) in entries)
                environment[source.Prefix + name] = value;
        }

        foreach (var variable in container.Env ?? [])
        {
            var value = variable.ValueFrom switch
            {
                null => Variables.Expand(variable.Value ?? "", environment),
                { ConfigMapKeyRef: { } map } => Pick(
                    Texts(await ReadConfigMapAsync(map.Name, map.Optional, cancellationToken)),
                    map.Key,
                    map.Name,
                    map.Optional
                ),
                { SecretKeyRef: { } secret } => Pick(
                    Texts(await ReadSecretAsync(secret.Name, secret.Optional, cancellationToken)),
                    secret.Key,
                    secret.Name,
                    secret.Optional
                ),
                { FieldRef: { } field } => ReadField(field.FieldPath),
                { ResourceFieldRef: { } resource } => ReadResource(container, resource.Resource),
                _ => throw new PodConfigurationException(
                    "CreateContainerConfigError",
                    $"The source of {variable.Name} is of a kind that process kubelets do not know."
                ),
            };
            if (value is not null)
                environment[variable.Name] = value;
        }

        return environment;
    }

    /// <summary>Nobody writes to what the API server holds.</summary>
    private static bool IsWritable(V1Volume volume) =>
        volume is { EmptyDir: not null } or { HostPath: not null } or { PersistentVolumeClaim: not null } or { Ephemeral: not null };

    private V1Volume VolumeOf(V1VolumeMount mount) => pod.Spec.Volumes.First(volume => volume.Name == mount.Name);

    private async Task<string> FindClaimAsync(string name, CancellationToken cancellationToken)
    {
        var claim = await FindAsync(
            () => client.CoreV1.ReadNamespacedPersistentVolumeClaimAsync(name, Namespace, cancellationToken: cancellationToken),
            $"persistentvolumeclaim \"{name}\""
        );
        return claims.PathOf(claim);
    }

    private static Dictionary<string, string> Texts(IReadOnlyDictionary<string, byte[]> entries) =>
        entries.ToDictionary(one => one.Key, one => Encoding.UTF8.GetString(one.Value));

    private static string? Pick(Dictionary<string, string> entries, string key, string name, bool? optional) =>
        entries.TryGetValue(key, out var value) ? value
        : optional == true ? null
        : throw new PodConfigurationException("CreateContainerConfigError", $"couldn't find key {key} in {name}");

    private static string ReadResource(V1Container container, string path)
    {
        var parts = path.Split('.', 2);
        var values = parts[0] == "limits" ? container.Resources?.Limits : container.Resources?.Requests;
        return values is not null && values.TryGetValue(parts[1], out var quantity)
            ? Math.Ceiling(quantity.ToDecimal()).ToString(CultureInfo.InvariantCulture)
            : "0";
    }

    /// <summary>The ConfigMaps and Secrets whose contents a volume has.</summary>
    private static IEnumerable<(string Kind, string Name)> SourcesOf(V1Volume volume)
    {
        if (volume.ConfigMap is { } map)
            yield return (V1ConfigMap.KubeKind, map.Name);
        if (volume.Secret is { } secret)
            yield return (V1Secret.KubeKind, secret.SecretName);
        foreach (var source in volume.Projected?.Sources ?? [])
        {
            if (source.ConfigMap is { } projectedMap)
                yield return (V1ConfigMap.KubeKind, projectedMap.Name);
            if (source.Secret is { } projectedSecret)
                yield return (V1Secret.KubeKind, projectedSecret.Name);
        }
    }

    private async Task WriteFilesAsync(V1Volume volume, CancellationToken cancellationToken)
    {
        var files = new Dictionary<string, VolumeFile>();
        switch (volume)
        {
            case { ConfigMap: { } map }:
                Add(files, await ReadConfigMapAsync(map.Name, map.Optional, cancellationToken), map.Items, map.DefaultMode);
                break;
            case { Secret: { } secret }:
                Add(files, await ReadSecretAsync(secret.SecretName, secret.Optional, cancellationToken), secret.Items, secret.DefaultMode);
                break;
            case { DownwardAPI: { } downward }:
                Add(files, downward.Items, downward.DefaultMode);
                break;
            case { Projected: { } projected }:
                foreach (var source in projected.Sources)
                    await AddAsync(files, source, projected.DefaultMode, cancellationToken);
                break;
            default:
                throw new PodConfigurationException("FailedMount", $"The volume {volume.Name} is of a kind that process kubelets do not know.");
        }

        if (
            _written.TryGetValue(volume.Name, out var before)
            && before.Count == files.Count
            && files.All(file => before.TryGetValue(file.Key, out var former) && former == file.Value)
        )
            return;
        await VolumeFiles.WriteAsync(_folders[volume.Name], files, Group, cancellationToken);
        _written[volume.Name] = files;
    }

    private static void Add(Dictionary<string, VolumeFile> files, IReadOnlyDictionary<string, byte[]> entries, IList<V1KeyToPath>? items, int? mode)
    {
        if (items is null)
        {
            foreach (var (key, value) in entries)
                files[key] = new VolumeFile(value, mode ?? DefaultMode);
            return;
        }

        foreach (var item in items.Where(item => entries.ContainsKey(item.Key)))
            files[item.Path] = new VolumeFile(entries[item.Key], item.Mode ?? mode ?? DefaultMode);
    }

    private void Add(Dictionary<string, VolumeFile> files, IList<V1DownwardAPIVolumeFile> items, int? mode)
    {
        foreach (var item in items.Where(item => item.FieldRef is not null))
            files[item.Path] = new VolumeFile(Encoding.UTF8.GetBytes(ReadField(item.FieldRef.FieldPath)), item.Mode ?? mode ?? DefaultMode);
    }

    private async Task AddAsync(Dictionary<string, VolumeFile> files, V1VolumeProjection source, int? mode, CancellationToken cancellationToken)
    {
        switch (source)
        {
            case { ConfigMap: { } map }:
                Add(files, await ReadConfigMapAsync(map.Name, map.Optional, cancellationToken), map.Items, mode);
                break;
            case { Secret: { } secret }:
                Add(files, await ReadSecretAsync(secret.Name, secret.Optional, cancellationToken), secret.Items, mode);
                break;
            case { DownwardAPI: { } downward }:
                Add(files, downward.Items, mode);
                break;
            case { ServiceAccountToken: { } token }:
                if (!_tokens.TryGetValue(token.Path, out var text))
                    text = _tokens[token.Path] = await CreateTokenAsync(token, cancellationToken);
                files[token.Path] = new VolumeFile(Encoding.ASCII.GetBytes(text), mode ?? DefaultMode);
                break;
            default:
                throw new PodConfigurationException("FailedMount", "A projected volume has a source that process kubelets do not know.");
        }
    }

    private async Task<string> CreateTokenAsync(V1ServiceAccountTokenProjection token, CancellationToken cancellationToken)
    {
        var spec = new V1TokenRequestSpec
        {
            Audiences = token.Audience is null ? [] : [token.Audience],
            // Nobody renews it: it outlives any test.
            ExpirationSeconds = Math.Max(token.ExpirationSeconds ?? 0, 36_000),
            BoundObjectRef = new V1BoundObjectReference
            {
                ApiVersion = "v1",
                Kind = "Pod",
                Name = pod.Metadata.Name,
                Uid = pod.Metadata.Uid,
            },
        };
        var answer = await FindAsync(
            () =>
                client.CoreV1.CreateNamespacedServiceAccountTokenAsync(
                    new Authenticationv1TokenRequest { Spec = spec },
                    pod.Spec.ServiceAccountName,
                    Namespace,
                    cancellationToken: cancellationToken
                ),
            $"the service account {pod.Spec.ServiceAccountName}"
        );
        return answer.Status.Token;
    }

    private async Task<IReadOnlyDictionary<string, byte[]>> ReadConfigMapAsync(string name, bool? optional, CancellationToken cancellationToken)
    {
        var map = await FindAsync(
            () => client.CoreV1.ReadNamespacedConfigMapAsync(name, Namespace, cancellationToken: cancellationToken),
            $"configmap \"{name}\"",
            optional
        );
        var entries = (map?.Data ?? new Dictionary<string, string>()).ToDictionary(one => one.Key, one => Encoding.UTF8.GetBytes(one.Value));
        foreach (var (key, value) in map?.BinaryData ?? new Dictionary<string, byte[]>())
            entries[key] = value;
        return entries;
    }

    private async Task<IReadOnlyDictionary<string, byte[]>> ReadSecretAsync(string name, bool? optional, CancellationToken cancellationToken)
    {
        var secret = await FindAsync(
            () => client.CoreV1.ReadNamespacedSecretAsync(name, Namespace, cancellationToken: cancellationToken),
            $"secret \"{name}\"",
            optional
        );
        return (secret?.Data ?? new Dictionary<string, byte[]>()).AsReadOnly();
    }

    private static async Task<T> FindAsync<T>(Func<Task<T>> readAsync, string what, bool? optional = null)
    {
        try
        {
            return await readAsync();
        }
        catch (HttpOperationException e) when (e.Response.StatusCode == HttpStatusCode.NotFound)
        {
            return optional == true ? default! : throw new PodConfigurationException("CreateContainerConfigError", $"{what} not found");
        }
    }

    private string ReadField(string path) =>
        path switch
        {
            "metadata.name" => pod.Metadata.Name,
            "metadata.namespace" => Namespace,
            "metadata.uid" => pod.Metadata.Uid,
            "metadata.labels" => Lines(pod.Metadata.Labels),
            "metadata.annotations" => Lines(pod.Metadata.Annotations),
            "spec.nodeName" => pod.Spec.NodeName,
            "spec.serviceAccountName" => pod.Spec.ServiceAccountName,
            "status.podIP" or "status.podIPs" => podIp,
            "status.hostIP" or "status.hostIPs" => "127.0.0.1",
            _ when Entry(path, "metadata.labels", pod.Metadata.Labels) is { } label => label,
            _ when Entry(path, "metadata.annotations", pod.Metadata.Annotations) is { } annotation => annotation,
            _ => throw new PodConfigurationException("CreateContainerConfigError", $"The field {path} is one that process kubelets do not know."),
        };

    private static string Lines(IDictionary<string, string>? entries) =>
        string.Join('\n', (entries ?? new Dictionary<string, string>()).Select(one => $"{one.Key}=\"{one.Value}\""));

    /// <summary>What <c>metadata.labels['key']</c> refers to; null when the path is none of these.</summary>
    private static string? Entry(string path, string field, IDictionary<string, string>? entries) =>
        path.StartsWith(field + "['", StringComparison.Ordinal) && path.EndsWith("']", StringComparison.Ordinal)
            ? entries is not null && entries.TryGetValue(path[(field.Length + 2)..^2], out var value)
                ? value
                : ""
            : null;
}
