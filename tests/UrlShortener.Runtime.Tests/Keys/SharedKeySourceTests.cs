using UrlShortener.Runtime.Keys;
using Xunit;

namespace UrlShortener.Runtime.Tests.Keys;

public sealed class SharedKeySourceTests
{
    private readonly FakePool _pool = new();
    private readonly KeyEpoch _epoch = new();
    private readonly SharedKeySource _source;

    public SharedKeySourceTests() => _source = new SharedKeySource(_pool, _epoch);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Take_Block_TellsItsEpoch()
    {
        _pool.Next = [new Key("one1234", 4), new Key("two1234", 4)];

        Assert.Equal(_pool.Next, await _source.TakeAsync(10, Token));
        Assert.Equal(4, _epoch.Current);
    }

    [Fact]
    public async Task Take_PoolOfAnOlderEpoch_TheNewerOneStays()
    {
        _epoch.Observe(5);
        _pool.Next = [new Key("one1234", 4)];

        await _source.TakeAsync(10, Token);

        Assert.Equal(5, _epoch.Current);
    }

    [Fact]
    public async Task Take_EmptyPool_TellsNothing()
    {
        Assert.Empty(await _source.TakeAsync(10, Token));
        Assert.Equal(0, _epoch.Current);
    }

    [Fact]
    public async Task Return_KeysOfSeveralEpochs_EachGoesBackToItsOwn()
    {
        await _source.ReturnAsync([new Key("one1234", 4), new Key("two1234", 5), new Key("thr1234", 4), Key.OnDemand("fou1234")], Token);

        Assert.Equal(["4 one1234 thr1234", "5 two1234"], _pool.Added);
    }

    private sealed class FakePool : IRegionPool
    {
        public IReadOnlyList<Key> Next { get; set; } = [];

        public List<string> Added { get; } = [];

        public Task AddAsync(int epoch, IReadOnlyList<string> codes, CancellationToken cancellationToken)
        {
            Added.Add($"{epoch} {string.Join(' ', codes)}");
            return Task.CompletedTask;
        }

        public Task<IReadOnlyList<Key>> TakeAsync(int count, CancellationToken cancellationToken) => Task.FromResult(Next);

        public Task<int?> ReadEpochAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<int> SetEpochAsync(int epoch, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<long> CountAsync(int epoch, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
