using System.Diagnostics.CodeAnalysis;
using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;

namespace UrlShortener.ControllerRuntime.Informers;

/// <summary>
/// The newest known state of all objects of a kind, with indexes. An <see cref="Informer{T}"/> writes, all others read. The objects are shared: copy one before
/// you change it.
/// </summary>
public sealed class ObjectCache<T>
    where T : class, IKubernetesObject<V1ObjectMeta>
{
    private readonly Lock _sync = new();

    /// <summary>Guarded by <see cref="_sync"/>, like the indexes.</summary>
    private readonly Dictionary<ObjectKey, T> _objects = [];

    private readonly Dictionary<string, Index> _indexes;

    /// <summary>Creates an empty cache.</summary>
    /// <param name="indexers">For each index, the values of an object.</param>
    public ObjectCache(IReadOnlyDictionary<string, Func<T, IEnumerable<string>>> indexers) =>
        _indexes = indexers.ToDictionary(indexer => indexer.Key, indexer => new Index(indexer.Value));

    /// <summary>Number of objects.</summary>
    public int Count
    {
        get
        {
            lock (_sync)
                return _objects.Count;
        }
    }

    /// <summary>All objects, in no order.</summary>
    public IReadOnlyList<T> GetAll()
    {
        lock (_sync)
            return [.. _objects.Values];
    }

    /// <summary>One object.</summary>
    public bool TryGet(ObjectKey key, [NotNullWhen(true)] out T? found)
    {
        lock (_sync)
            return _objects.TryGetValue(key, out found);
    }

    /// <summary>The objects with a value in an index, in no order.</summary>
    /// <exception cref="KeyNotFoundException">The informer has no such index.</exception>
    public IReadOnlyList<T> GetBy(string index, string value)
    {
        lock (_sync)
            return [.. _indexes[index].Find(value).Select(key => _objects[key])];
    }

    /// <summary>The keys of all objects in a namespace, or in the cluster.</summary>
    internal IReadOnlyList<ObjectKey> GetKeys(string? @namespace)
    {
        lock (_sync)
            return [.. _objects.Keys.Where(key => @namespace is null || key.Namespace == @namespace)];
    }

    /// <summary>Stores a new state, and returns the previous one.</summary>
    internal T? Set(T entity)
    {
        var key = ObjectKey.Of(entity);
        lock (_sync)
        {
            var former = Take(key);
            _objects[key] = entity;
            foreach (var index in _indexes.Values)
                index.Add(key, entity);
            return former;
        }
    }

    /// <summary>Removes an object, and returns its last state.</summary>
    internal T? Remove(ObjectKey key)
    {
        lock (_sync)
            return Take(key);
    }

    private T? Take(ObjectKey key)
    {
        if (!_objects.Remove(key, out var former))
            return null;
        foreach (var index in _indexes.Values)
            index.Remove(key, former);
        return former;
    }

    /// <summary>Keys by one kind of value.</summary>
    private sealed class Index(Func<T, IEnumerable<string>> valuesOf)
    {
        private readonly Dictionary<string, HashSet<ObjectKey>> _keys = [];

        public HashSet<ObjectKey> Find(string value) => _keys.TryGetValue(value, out var keys) ? keys : [];

        public void Add(ObjectKey key, T entity)
        {
            foreach (var value in valuesOf(entity))
            {
                if (!_keys.TryGetValue(value, out var keys))
                    _keys[value] = keys = [];
                keys.Add(key);
            }
        }

        public void Remove(ObjectKey key, T entity)
        {
            foreach (var value in valuesOf(entity))
            {
                if (_keys.TryGetValue(value, out var keys) && keys.Remove(key) && keys.Count == 0)
                    _keys.Remove(value);
            }
        }
    }
}
