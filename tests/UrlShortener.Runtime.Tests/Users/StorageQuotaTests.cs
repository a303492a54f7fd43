using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Users;
using Xunit;

namespace UrlShortener.Runtime.Tests.Users;

public sealed class StorageQuotaTests
{
    private static readonly User Ada = new(1, "ada@example.com", Tier.Free, 100, 0, DateTimeOffset.UnixEpoch, null, HasKey: true);

    private readonly FakeTimeProvider _time = new();
    private readonly FakeStore _store = new();
    private readonly StorageQuota _quota;

    public StorageQuotaTests() => _quota = new StorageQuota(_store, new QuotaOptions { FreeBytes = 100 }, _time);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Take_ManyRequestsThatFit_ReadsTheSumOnce()
    {
        for (var i = 0; i < 10; i++)
            await StoreAsync(10);

        Assert.Equal(1, _store.Readings);
        // The whole quota, and not a byte more.
        using var refused = await _quota.TakeAsync(Ada, [1], Token);
        Assert.False(refused.HasAll);
        Assert.Equal(new OverQuota(100, 100), refused.OverQuota);
    }

    [Fact]
    public async Task Take_RequestsUnderWay_CountInFullUntilTheyEnd()
    {
        var open = await _quota.TakeAsync(Ada, [80], Token);
        using (var refused = await _quota.TakeAsync(Ada, [21], Token))
            Assert.False(refused.HasAll);

        // It stored nothing, such as a retry that was answered before.
        open.Stored(0);
        open.Dispose();

        using var granted = await _quota.TakeAsync(Ada, [21], Token);
        Assert.True(granted.HasAll);
    }

    [Fact]
    public async Task Take_RequestThatFailed_CountsUntilTheSumIsReadAgain()
    {
        (await _quota.TakeAsync(Ada, [80], Token)).Dispose();
        Assert.Equal(1, _store.Readings);

        // It asks the store, which knows that nothing was stored.
        using var granted = await _quota.TakeAsync(Ada, [100], Token);

        Assert.True(granted.HasAll);
        Assert.Equal(2, _store.Readings);
    }

    [Fact]
    public async Task Take_OtherProcesses_AreSeenAfterAWhile()
    {
        await StoreAsync(10);
        _store.Bytes += 90;

        using (var unseen = await _quota.TakeAsync(Ada, [10], Token))
        {
            Assert.True(unseen.HasAll);
            unseen.Stored(0);
        }

        _time.Advance(StorageQuota.HeldFor);
        using var seen = await _quota.TakeAsync(Ada, [10], Token);
        Assert.False(seen.HasAll);
    }

    [Fact]
    public async Task Take_AfterADeletion_FitsAtOnce()
    {
        await StoreAsync(100);
        _store.Bytes -= 60;

        using var granted = await _quota.TakeAsync(Ada, [60], Token);

        Assert.True(granted.HasAll);
    }

    [Fact]
    public async Task Take_Items_GetsThoseThatFitInTheirOrder()
    {
        _store.Bytes = 50;

        using var grant = await _quota.TakeAsync(Ada, [20, 40, 30, 1], Token);

        Assert.Equal([true, false, true, false], Enumerable.Range(0, 4).Select(grant.Has));
        Assert.Equal(new OverQuota(50, 100), grant.OverQuota);
    }

    [Theory]
    [InlineData(0L, false)]
    [InlineData(99L, false)]
    [InlineData(101L, true)]
    public async Task Take_QuotaOfTheirOwn_TakesPrecedence(long own, bool isGranted)
    {
        _store.Quota = own;

        using var grant = await _quota.TakeAsync(Ada, [101], Token);

        Assert.Equal(isGranted, grant.HasAll);
    }

    [Fact]
    public async Task Take_StoreFails_IsTheCallersErrorAndTheNextTriesAgain()
    {
        _store.Error = new TimeoutException();
        await Assert.ThrowsAsync<TimeoutException>(async () => await _quota.TakeAsync(Ada, [1], Token));
        _store.Error = null;

        using var grant = await _quota.TakeAsync(Ada, [1], Token);

        Assert.True(grant.HasAll);
    }

    private async Task StoreAsync(long bytes)
    {
        using var grant = await _quota.TakeAsync(Ada, [bytes], Token);
        Assert.True(grant.HasAll);
        _store.Bytes += bytes;
        grant.Stored(bytes);
    }

    private sealed class FakeStore : IUserStore
    {
        public long Bytes { get; set; }

        public long? Quota { get; set; }

        public int Readings { get; private set; }

        public Exception? Error { get; set; }

        public Task<StorageUsage> ReadStorageAsync(long id, CancellationToken cancellationToken)
        {
            Readings++;
            return Error is null ? Task.FromResult(new StorageUsage(Bytes, Quota)) : Task.FromException<StorageUsage>(Error);
        }

        public Task<User?> CreateAsync(
            string email,
            Tier tier,
            int rateLimit,
            long? quota,
            string keyHash,
            DateTimeOffset now,
            CancellationToken cancellationToken
        ) => throw new NotSupportedException();

        public Task<User?> FindByKeyHashAsync(string keyHash, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<User?> FindByEmailAsync(string email, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<bool> SetKeyHashAsync(string email, string? keyHash, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<bool> SetQuotaAsync(string email, long? quota, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<DoomedUser?> FindDoomedAsync(string email, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task BeginDeletionAsync(long id, DateTimeOffset now, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<bool> TryDeleteAsync(long id, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<IReadOnlyList<User>> ListAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task RecordActivityAsync(IReadOnlyCollection<KeyValuePair<long, DateTimeOffset>> activity, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }
}
