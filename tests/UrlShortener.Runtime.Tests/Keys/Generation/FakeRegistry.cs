using UrlShortener.Runtime.Keys;

namespace UrlShortener.Runtime.Tests.Keys.Generation;

/// <summary>The registry in memory, as all workers see it; each has a connection of its own.</summary>
internal sealed class FakeRegistry(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly HashSet<string> _codes = new(StringComparer.Ordinal);
    private readonly List<Batch> _batches = [];
    private int _epoch;

    /// <summary>So many codes are taken for known before any is new.</summary>
    public int RefuseFirst { get; set; }

    /// <summary>Codes that were taken for known.</summary>
    public HashSet<string> Refused { get; } = new(StringComparer.Ordinal);

    public int Epoch
    {
        get
        {
            lock (_lock)
                return _epoch;
        }
        set
        {
            lock (_lock)
                _epoch = value;
        }
    }

    public IReadOnlyList<Batch> Batches
    {
        get
        {
            lock (_lock)
                return [.. _batches];
        }
    }

    public int Claimed
    {
        get
        {
            lock (_lock)
                return _codes.Count;
        }
    }

    public IKeyBatchStore Connect(Faults faults) => new Connection(this, faults);

    public sealed record Batch(int Id, string Region, int Epoch, IReadOnlyList<string> Codes)
    {
        public DateTimeOffset ClaimedAt { get; set; }

        public bool IsPooled { get; set; }
    }

    private sealed class Connection(FakeRegistry registry, Faults faults) : IKeyBatchStore
    {
        public Task<int> ReadEpochAsync(CancellationToken cancellationToken) => CallAsync("epoch", () => registry._epoch, cancellationToken);

        public Task<int> OpenEpochAsync(int epoch, CancellationToken cancellationToken) =>
            CallAsync("open", () => registry._epoch = Math.Max(registry._epoch, epoch), cancellationToken);

        public Task<KeyBatch?> ClaimAsync(string region, int epoch, IReadOnlyList<string> codes, CancellationToken cancellationToken) =>
            CallAsync("claim", () => Claim(region, epoch, codes), cancellationToken);

        public Task MarkPooledAsync(int batchId, CancellationToken cancellationToken) =>
            CallAsync("mark", () => registry._batches[batchId].IsPooled = true, cancellationToken);

        public Task<KeyBatch?> AdoptAsync(string region, TimeSpan age, CancellationToken cancellationToken) =>
            CallAsync("adopt", () => Adopt(region, age), cancellationToken);

        public Task<long> EstimateCountAsync(CancellationToken cancellationToken) =>
            CallAsync("estimate", () => (long)registry._codes.Count, cancellationToken);

        private KeyBatch? Claim(string region, int epoch, IReadOnlyList<string> codes)
        {
            if (epoch != registry._epoch)
                return null;
            var refused = Math.Min(registry.RefuseFirst, codes.Count);
            registry.RefuseFirst -= refused;
            registry.Refused.UnionWith(codes.Take(refused));
            var batch = new Batch(registry._batches.Count, region, epoch, [.. codes.Skip(refused).Where(registry._codes.Add)]) { ClaimedAt = registry.Now };
            registry._batches.Add(batch);
            return new KeyBatch(batch.Id, epoch, batch.Codes);
        }

        private KeyBatch? Adopt(string region, TimeSpan age)
        {
            var batch = registry._batches.Find(batch =>
                batch.Region == region && batch.Epoch == registry._epoch && !batch.IsPooled && registry.Now - batch.ClaimedAt > age
            );
            if (batch is null)
                return null;
            batch.ClaimedAt = registry.Now;
            return new KeyBatch(batch.Id, batch.Epoch, batch.Codes);
        }

        private async Task<T> CallAsync<T>(string step, Func<T> call, CancellationToken cancellationToken)
        {
            await faults.PassAsync($"{step}:before", cancellationToken);
            T result;
            lock (registry._lock)
                result = call();
            await faults.PassAsync($"{step}:after", cancellationToken);
            return result;
        }
    }

    private DateTimeOffset Now => time.GetUtcNow();
}
