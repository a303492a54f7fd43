using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Tests.Regions;
using Xunit;

namespace UrlShortener.Runtime.Tests.Keys;

public sealed class KeyPoolWorkerTests : IAsyncDisposable
{
    private readonly KeyOptions _options = new()
    {
        PoolSize = 100,
        LowWatermark = 40,
        BatchSize = 30,
    };
    private readonly FakeTimeProvider _time = new();
    private readonly FakeKeyStore _store = new();
    private readonly WriteAccess _access = TestRegions.NewAccess();
    private readonly KeyPool _pool;
    private readonly KeyPoolWorker _worker;

    public KeyPoolWorkerTests()
    {
        _pool = new KeyPool(_options, new KeyEpoch());
        _worker = new KeyPoolWorker(_pool, new RegistryKeySource(_store, new KeyEpoch()), _access, _options, _time, NullLogger<KeyPoolWorker>.Instance);
    }

    public async ValueTask DisposeAsync()
    {
        await _worker.StopAsync(CancellationToken.None);
        _worker.Dispose();
        _pool.Dispose();
    }

    [Fact]
    public async Task Start_EmptyRegistry_FillsThePoolInBatches()
    {
        await StartAsync();

        await Eventually.HoldsAsync(() => _pool.Level == 100);

        Assert.All(_store.Batches, size => Assert.InRange(size, 1, 30));
        Assert.Equal(100, _store.Registered.Count);
    }

    [Fact]
    public async Task Run_LevelFallsBelowTheWatermark_FillsUpAgain()
    {
        await StartAsync();
        await Eventually.HoldsAsync(() => _pool.Level == 100);

        for (var i = 0; i < 61; i++)
            Assert.Contains(_pool.Take().Code, _store.Registered);

        await Eventually.HoldsAsync(() => _pool.Level == 100);
        Assert.Equal(161, _store.Registered.Count);
    }

    [Fact]
    public async Task Run_RegionTakesNoChanges_AsksForNoCodesUntilItDoes()
    {
        _access.Note(TestRegions.Standby);
        await StartAsync();
        for (var i = 0; i < 5; i++)
            Step();
        Assert.Empty(_store.Batches);

        _access.Note(null);

        await Eventually.HoldsAsync(() => _pool.Level == 100, Step);
    }

    [Fact]
    public async Task Run_StoreFails_IsRetriedAndKeysStillCome()
    {
        _store.Error = new IOException("down");
        await StartAsync();
        await Eventually.HoldsAsync(() => _store.Failures >= 3, Step);
        Assert.Equal(7, _pool.Take().Code.Length);

        _store.Error = null;

        await Eventually.HoldsAsync(() => _pool.Level == 100, Step);
    }

    [Fact]
    public async Task Run_StoreTimesOutAsCancelled_IsRetried()
    {
        // How clients of servers report a timeout; nobody asked the worker to stop.
        _store.Error = new TaskCanceledException("timeout");
        await StartAsync();
        await Eventually.HoldsAsync(() => _store.Failures >= 2 || _worker.ExecuteTask!.IsCompleted, Step);

        _store.Error = null;

        await Eventually.HoldsAsync(() => _pool.Level == 100 || _worker.ExecuteTask!.IsCompleted, Step);
        Assert.Equal(100, _pool.Level);
    }

    [Fact]
    public async Task Run_RegistryKnowsEveryKey_HandsOutOnlyNewOnes()
    {
        _store.RefuseFirst = 50;
        await StartAsync();

        await Eventually.HoldsAsync(() => _pool.Level == 100);

        for (var i = 0; i < 100; i++)
            Assert.Contains(_pool.Take().Code, _store.Registered);
    }

    private void Step() => _time.Advance(TimeSpan.FromSeconds(1));

    private Task StartAsync() => _worker.StartAsync(TestContext.Current.CancellationToken);

    private sealed class FakeKeyStore : IKeyClaims
    {
        private readonly Lock _lock = new();
        private readonly HashSet<string> _registered = new(StringComparer.Ordinal);
        private readonly List<int> _batches = [];
        private volatile Exception? _error;
        private int _failures;

        public Exception? Error
        {
            get => _error;
            set => _error = value;
        }

        public int Failures => Volatile.Read(ref _failures);

        public int RefuseFirst { get; set; }

        public IReadOnlyCollection<string> Registered
        {
            get
            {
                lock (_lock)
                    return [.. _registered];
            }
        }

        public IReadOnlyList<int> Batches
        {
            get
            {
                lock (_lock)
                    return [.. _batches];
            }
        }

        public async Task<IReadOnlyList<Key>> AddAsync(IReadOnlyList<string> codes, CancellationToken cancellationToken)
        {
            await ThrowAsync();
            lock (_lock)
            {
                _batches.Add(codes.Count);
                var refused = Math.Min(RefuseFirst, codes.Count);
                RefuseFirst -= refused;
                return [.. codes.Skip(refused).Where(_registered.Add).Select(code => new Key(code, 0))];
            }
        }

        public Task<int> DeleteLeftoversAsync(int limit, CancellationToken cancellationToken) => throw new NotSupportedException();

        private async Task ThrowAsync()
        {
            await Task.Yield();
            if (_error is not { } error)
                return;
            Interlocked.Increment(ref _failures);
            throw error;
        }
    }
}
