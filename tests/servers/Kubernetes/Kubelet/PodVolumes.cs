using System.Globalization;
using System.Net;
using System.Text;
using k8s;
using k8s.Autorest;
using k8s.Models;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>Puts what a pod mounts into folders of this machine, and collects the environment of its containers.</summary>
internal sealed class PodVolumes(IKubernetes client, V1Pod pod, string podIp, string folder, string claimsFolder)
{
    /// <summary>What a kubelet gives files of ConfigMaps and Secrets when a pod says nothing: rw-r--r--.</summary>
    private const int DefaultMode = 420;

    private readonly Dictionary<string, string> _folders = [];

    private string Namespace => pod.Metadata.NamespaceProperty;

    /// <summary>Token of the pod's service account, where one is mounted.</summary>
    public string? Token { get; private set; }

    /// <summary>Writes all volumes.</summary>
    /// <exception cref="PodConfigurationException">Something that the pod mounts is not there yet, or is of a kind that does not exist here.</exception>
    public async Task WriteAsync(CancellationToken cancellationToken)
    {
        foreach (var volume in pod.Spec.Volumes ?? [])
        {
            var place = volume switch
            {
                { PersistentVolumeClaim: { } claim } => Path.Combine(claimsFolder, $"{Namespace}_{claim.ClaimName}"),
                { HostPath: { } host } => host.Path,
                _ => Path.Combine(folder, "volumes", volume.Name),
            };
            Directory.CreateDirectory(place);
            _folders[volume.Name] = place;
            switch (volume)
            {
                case { ConfigMap: { } map }:
                    await WriteConfigMapAsync(place, map.Name, map.Items, map.Optional, map.DefaultMode, cancellationToken);
                    break;
                case { Secret: { } secret }:
                    await WriteSecretAsync(place, secret.SecretName, secret.Items, secret.Optional, secret.DefaultMode, cancellationToken);
                    break;
                case { DownwardAPI: { } downward }:
                    await WriteDownwardAsync(place, downward.Items, cancellationToken);
                    break;
                case { Projected: { } projected }:
                    foreach (var source in projected.Sources)
                        await WriteProjectionAsync(place, source, projected.DefaultMode, cancellationToken);
                    break;
                case { EmptyDir: not null } or { HostPath: not null } or { PersistentVolumeClaim: not null }:
                    break;
                default:
                    throw new PodConfigurationException("FailedMount", $"The volume {volume.Name} is of a kind that process kubelets do not know.");
            }
        }
    }

    /// <summary>The folder of this machine for each mount path of a container.</summary>
    public IReadOnlyDictionary<string, string> MountsOf(V1Container container) =>
        (container.VolumeMounts ?? []).ToDictionary(
            mount => mount.MountPath.TrimEnd('/'),
            mount => mount.SubPath is { Length: > 0 } path ? Path.Combine(_folders[mount.Name], path) : _folders[mount.Name]
        );

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

    private static async Task WriteFilesAsync(
        string place,
        IReadOnlyDictionary<string, byte[]> entries,
        IList<V1KeyToPath>? items,
        int? mode,
        CancellationToken cancellationToken
    )
    {
        var files = items is null
            ? entries.Select(one => (Path: one.Key, one.Value, Mode: mode))
            : items.Where(item => entries.ContainsKey(item.Key)).Select(item => (item.Path, Value: entries[item.Key], Mode: item.Mode ?? mode));
        foreach (var file in files)
            await WriteFileAsync(Path.Combine(place, file.Path), file.Value, file.Mode, cancellationToken);
    }

    private static async Task WriteFileAsync(string path, byte[] content, int? mode, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllBytesAsync(path, content, cancellationToken);
        File.SetUnixFileMode(path, (UnixFileMode)(mode ?? DefaultMode));
    }

    private async Task WriteProjectionAsync(string place, V1VolumeProjection source, int? mode, CancellationToken cancellationToken)
    {
        switch (source)
        {
            case { ConfigMap: { } map }:
                await WriteConfigMapAsync(place, map.Name, map.Items, map.Optional, mode, cancellationToken);
                break;
            case { Secret: { } secret }:
                await WriteSecretAsync(place, secret.Name, secret.Items, secret.Optional, mode, cancellationToken);
                break;
            case { DownwardAPI: { } downward }:
                await WriteDownwardAsync(place, downward.Items, cancellationToken);
                break;
            case { ServiceAccountToken: { } token }:
                var spec = new V1TokenRequestSpec
                {
                    Audiences = token.Audience is null ? [] : [token.Audience],
                    ExpirationSeconds = Math.Max(token.ExpirationSeconds ?? 3600, 3600),
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
                Token = answer.Status.Token;
                await WriteFileAsync(Path.Combine(place, token.Path), Encoding.ASCII.GetBytes(Token), mode, cancellationToken);
                break;
            default:
                throw new PodConfigurationException("FailedMount", "A projected volume has a source that process kubelets do not know.");
        }
    }

    private async Task WriteConfigMapAsync(
        string place,
        string name,
        IList<V1KeyToPath>? items,
        bool? optional,
        int? mode,
        CancellationToken cancellationToken
    ) => await WriteFilesAsync(place, await ReadConfigMapAsync(name, optional, cancellationToken), items, mode, cancellationToken);

    private async Task WriteSecretAsync(string place, string name, IList<V1KeyToPath>? items, bool? optional, int? mode, CancellationToken cancellationToken) =>
        await WriteFilesAsync(place, await ReadSecretAsync(name, optional, cancellationToken), items, mode, cancellationToken);

    private async Task WriteDownwardAsync(string place, IList<V1DownwardAPIVolumeFile> items, CancellationToken cancellationToken)
    {
        foreach (var item in items.Where(item => item.FieldRef is not null))
            await WriteFileAsync(Path.Combine(place, item.Path), Encoding.UTF8.GetBytes(ReadField(item.FieldRef.FieldPath)), item.Mode, cancellationToken);
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
