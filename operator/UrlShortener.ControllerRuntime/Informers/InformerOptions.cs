using k8s;
using k8s.Models;

namespace UrlShortener.ControllerRuntime.Informers;

/// <summary>Settings of an <see cref="Informer{T}"/>.</summary>
public sealed class InformerOptions<T>
    where T : class, IKubernetesObject<V1ObjectMeta>
{
    /// <summary>Namespaces to watch, each with a watch of its own; empty watches the whole cluster, null takes those of the runtime.</summary>
    public IReadOnlyList<string>? Namespaces { get; set; }

    /// <summary>Label selector; null: all objects.</summary>
    public string? LabelSelector { get; set; }

    /// <summary>Whether the kind is optional. If the cluster lacks it, the informer counts as synced and empty until the kind appears.</summary>
    public bool Optional { get; set; }

    /// <summary>Changes each object before it is cached, to remove unneeded data. Field managers are always removed.</summary>
    public Action<T>? Transform { get; set; }

    /// <summary>Indexes of the cache: for each name, the values of an object.</summary>
    public Dictionary<string, Func<T, IEnumerable<string>>> Indexers { get; } = [];

    /// <summary>Intervals.</summary>
    public InformerTimings Timings { get; set; } = new();
}
