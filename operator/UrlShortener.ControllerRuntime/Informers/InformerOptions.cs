using k8s;
using k8s.Models;

namespace UrlShortener.ControllerRuntime.Informers;

/// <summary>What an <see cref="Informer{T}"/> watches and what it keeps.</summary>
public sealed class InformerOptions<T>
    where T : class, IKubernetesObject<V1ObjectMeta>
{
    /// <summary>Namespaces to watch, each with a watch of its own; empty watches the whole cluster, null takes those of the runtime.</summary>
    public IReadOnlyList<string>? Namespaces { get; set; }

    /// <summary>Label selector; null takes all.</summary>
    public string? LabelSelector { get; set; }

    /// <summary>Whether the cluster may lack the kind. Then the informer is in step with nothing, until the kind appears.</summary>
    public bool Optional { get; set; }

    /// <summary>Changes each object before it is kept: takes out data that nobody needs. Field managers are always taken out.</summary>
    public Action<T>? Transform { get; set; }

    /// <summary>Indexes of the cache: for each name the values under which an object is found.</summary>
    public Dictionary<string, Func<T, IEnumerable<string>>> Indexers { get; } = [];

    /// <summary>Intervals.</summary>
    public InformerTimings Timings { get; set; } = new();
}
