using System.Collections.Concurrent;
using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Informers;

namespace UrlShortener.ControllerRuntime.Tests.Informers;

/// <summary>Changes of an informer, as <c>+name</c>, <c>~name</c>, <c>-name</c>.</summary>
internal sealed class ChangeList<T>
    where T : class, IKubernetesObject<V1ObjectMeta>
{
    private readonly ConcurrentQueue<string> _changes = new();

    public ChangeList(Informer<T> informer) =>
        informer.Subscribe(change => _changes.Enqueue($"{(change.Old is null ? '+' : change.New is null ? '-' : '~')}{change.Newest.Metadata.Name}"));

    public IReadOnlyList<string> All => [.. _changes];

    public bool Has(string change) => _changes.Contains(change);
}
