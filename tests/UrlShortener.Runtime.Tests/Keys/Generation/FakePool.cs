using UrlShortener.Runtime.Keys;

namespace UrlShortener.Runtime.Tests.Keys.Generation;

/// <summary>The region's pool in memory, as all workers see it; each has a connection of its own.</summary>
internal sealed class FakePool
{
    private readonly Lock _lock = new();
    private readonly Dictionary<int, HashSet<string>> _pools = [];
    private readonly List<Key> _added = [];
    private readonly List<Key> _taken = [];
    private int _epoch;

    public int Epoch
    {
        get
        {
            lock (_lock)
                return _epoch;
        }
    }

    public int Level
    {
        get
        {
            lock (_lock)
                return PoolOf(_epoch).Count;
        }
    }

    /// <summary>Every code that was ever put in, once for each time.</summary>
    public IReadOnlyList<Key> Added
    {
        get
        {
            lock (_lock)
                return [.. _added];
        }
    }

    public IReadOnlyList<Key> Taken
    {
        get
        {
            lock (_lock)
                return [.. _taken];
        }
    }

    public IRegionPool Connect(Faults faults) => new Connection(this, faults);

    public void Take(int count)
    {
        lock (_lock)
        {
            var codes = PoolOf(_epoch).Take(count).ToList();
            PoolOf(_epoch).ExceptWith(codes);
            _taken.AddRange(codes.Select(code => new Key(code, _epoch)));
        }
    }

    /// <summary>As a Redis that lost its data.</summary>
    public void LoseEverything()
    {
        lock (_lock)
        {
            _pools.Clear();
            _epoch = 0;
        }
    }

    private HashSet<string> PoolOf(int epoch)
    {
        if (!_pools.TryGetValue(epoch, out var pool))
            _pools[epoch] = pool = new HashSet<string>(StringComparer.Ordinal);
        return pool;
    }

    private sealed class Connection(FakePool pool, Faults faults) : IRegionPool
    {
        public Task<int?> ReadEpochAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<int> SetEpochAsync(int epoch, CancellationToken cancellationToken) =>
            CallAsync(
                "tell",
                () =>
                {
                    pool._epoch = Math.Max(pool._epoch, epoch);
                    foreach (var older in pool._pools.Keys.Where(key => key < epoch).ToList())
                        pool._pools.Remove(older);
                    return pool._epoch;
                },
                cancellationToken
            );

        public Task AddAsync(int epoch, IReadOnlyList<string> codes, CancellationToken cancellationToken) =>
            CallAsync(
                "pool",
                () =>
                {
                    pool._added.AddRange(codes.Select(code => new Key(code, epoch)));
                    pool.PoolOf(epoch).UnionWith(codes);
                    return 0;
                },
                cancellationToken
            );

        public Task<IReadOnlyList<Key>> TakeAsync(int count, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<long> CountAsync(int epoch, CancellationToken cancellationToken) =>
            CallAsync("level", () => (long)pool.PoolOf(epoch).Count, cancellationToken);

        private async Task<T> CallAsync<T>(string step, Func<T> call, CancellationToken cancellationToken)
        {
            await faults.PassAsync($"{step}:before", cancellationToken);
            T result;
            lock (pool._lock)
                result = call();
            await faults.PassAsync($"{step}:after", cancellationToken);
            return result;
        }
    }
}
