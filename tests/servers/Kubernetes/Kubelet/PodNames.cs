using k8s;
using k8s.Models;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>
/// The names by which a kubelet's pods find pods, in the place of a cluster's DNS: each pod has a file of addresses and names, which is replaced whenever
/// they change.
/// </summary>
internal sealed class PodNames
{
    private readonly Lock _sync = new();

    /// <summary>Pods of all nodes, by their identifiers. Guarded by <see cref="_sync"/>, as all below.</summary>
    private readonly Dictionary<string, V1Pod> _pods = [];
    private readonly Dictionary<string, V1Service> _services = [];
    private readonly HashSet<Registration> _files = [];

    /// <summary>Writes a file for a pod from now on, until what is returned is disposed of.</summary>
    public IDisposable Register(V1Pod pod, string address, string path)
    {
        lock (_sync)
        {
            var registration = new Registration(this, pod, address, path);
            _files.Add(registration);
            Write(registration);
            return registration;
        }
    }

    /// <summary>Takes all pods of a namespace, or of all.</summary>
    public void Replace(string? namespaceName, IList<V1Pod> pods) => Replace(_pods, namespaceName, pods);

    /// <summary>Takes all Services of a namespace, or of all.</summary>
    public void Replace(string? namespaceName, IList<V1Service> services) => Replace(_services, namespaceName, services);

    /// <summary>Takes a change of a pod.</summary>
    public void Change(WatchEventType type, V1Pod pod) => Change(_pods, type, pod);

    /// <summary>Takes a change of a Service.</summary>
    public void Change(WatchEventType type, V1Service service) => Change(_services, type, service);

    private void Replace<T>(Dictionary<string, T> known, string? namespaceName, IList<T> objects)
        where T : IKubernetesObject<V1ObjectMeta>
    {
        lock (_sync)
        {
            foreach (var gone in known.Values.Where(one => namespaceName is null || one.Metadata.NamespaceProperty == namespaceName).ToList())
                known.Remove(gone.Metadata.Uid);
            foreach (var one in objects)
                known[one.Metadata.Uid] = one;
            WriteAll();
        }
    }

    private void Change<T>(Dictionary<string, T> known, WatchEventType type, T entity)
        where T : IKubernetesObject<V1ObjectMeta>
    {
        lock (_sync)
        {
            if (type == WatchEventType.Deleted)
                known.Remove(entity.Metadata.Uid);
            else
                known[entity.Metadata.Uid] = entity;
            WriteAll();
        }
    }

    private void WriteAll()
    {
        foreach (var file in _files)
            Write(file);
    }

    private void Write(Registration file)
    {
        var text = HostsFile.Build(file.Pod, file.Address, _pods.Values, _services.Values);
        if (text == file.Text)
            return;
        file.Text = text;
        // Whole, in one step: a program reads it at every look-up.
        var next = file.Path + ".next";
        File.WriteAllText(next, text);
        File.Move(next, file.Path, overwrite: true);
    }

    private sealed class Registration(PodNames names, V1Pod pod, string address, string path) : IDisposable
    {
        public V1Pod Pod => pod;

        public string Address => address;

        public string Path => path;

        public string? Text { get; set; }

        public void Dispose()
        {
            lock (names._sync)
                names._files.Remove(this);
        }
    }
}
