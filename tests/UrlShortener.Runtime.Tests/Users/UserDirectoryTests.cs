using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Tests.Regions;
using UrlShortener.Runtime.Users;
using Xunit;

namespace UrlShortener.Runtime.Tests.Users;

public sealed class UserDirectoryTests
{
    private static readonly User Ada = new(7, "ada@example.com", Tier.Pro, 100, 0, DateTimeOffset.UnixEpoch, null, HasKey: true);

    private readonly FakeTimeProvider _time = new();
    private readonly FakeUserStore _store = new();
    private readonly UserDirectory _directory;

    public UserDirectoryTests() => _directory = new UserDirectory(_store, _time);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FindByKey_Twice_AsksTheStoreOnceByDigest()
    {
        Assert.Equal(Ada, await _directory.FindByKeyAsync("usk_key", Token));
        Assert.Equal(Ada, await _directory.FindByKeyAsync("usk_key", Token));
        Assert.Equal([ApiKey.Hash("usk_key")!], _store.Lookups);
    }

    [Theory]
    [InlineData("")]
    [InlineData("ada")]
    public async Task Find_CannotExist_DoesNotAskTheStore(string text)
    {
        Assert.Null(await _directory.FindByKeyAsync(text.Length == 0 ? text : new string('k', 200), Token));
        Assert.Null(await _directory.FindByEmailAsync(text, Token));
        Assert.Empty(_store.Lookups);
    }

    [Theory]
    [InlineData(" ada@example.com")]
    [InlineData("ada@example.com\u00a0")]
    [InlineData("ad\u0430@example.com")]
    [InlineData("ad\uFF41@example.com")]
    public async Task FindByEmail_LooksLikeAnother_IsNobody(string email)
    {
        Assert.Null(await _directory.FindByEmailAsync(email, Token));
        Assert.Empty(_store.Lookups);
    }

    [Fact]
    public async Task FindByEmail_AnyCase_IsOneUser()
    {
        Assert.Equal(Ada, await _directory.FindByEmailAsync("ADA@example.com", Token));
        Assert.Equal(["ada@example.com"], _store.Lookups);
    }

    [Fact]
    public async Task TakeActivity_AfterRequests_HoldsTheNewestOnce()
    {
        await _directory.FindByKeyAsync("usk_key", Token);
        _time.Advance(TimeSpan.FromSeconds(3));
        await _directory.FindByEmailAsync("ada@example.com", Token);

        Assert.Equal([KeyValuePair.Create(7L, _time.GetUtcNow())], _directory.TakeActivity());
        Assert.Empty(_directory.TakeActivity());
    }

    [Fact]
    public async Task FindByKey_StoreFails_IsNotRemembered()
    {
        _store.Answer = Task.FromException<User?>(new IOException("down"));
        await Assert.ThrowsAsync<IOException>(() => _directory.FindByKeyAsync("usk_key", Token).AsTask());

        _store.Answer = Task.FromResult<User?>(Ada);

        Assert.Equal(Ada, await _directory.FindByKeyAsync("usk_key", Token));
    }

    [Fact]
    public async Task FindByKey_FirstCallerLeaves_OthersGetTheirAnswer()
    {
        var answer = new TaskCompletionSource<User?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _store.Answer = answer.Task;
        using var leaving = new CancellationTokenSource();
        var first = _directory.FindByKeyAsync("usk_key", leaving.Token).AsTask();
        var second = _directory.FindByKeyAsync("usk_key", Token).AsTask();

        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        answer.SetResult(Ada);

        Assert.Equal(Ada, await second);
    }

    [Fact]
    public async Task Recorder_StopAfterItsTimeout_DoesNotFail()
    {
        Assert.Equal(Ada, await _directory.FindByKeyAsync("usk_key", Token));
        using var recorder = new UserActivityRecorder(_directory, _store, TestRegions.NewAccess(), _time, NullLogger<UserActivityRecorder>.Instance);
        await recorder.StartAsync(Token);

        await recorder.StopAsync(new CancellationToken(canceled: true));
    }

    private sealed class FakeUserStore : IUserStore
    {
        public Task<User?> Answer { get; set; } = Task.FromResult<User?>(Ada);

        public List<string> Lookups { get; } = [];

        public Task<User?> FindByKeyHashAsync(string keyHash, CancellationToken cancellationToken) => FindAsync(keyHash, cancellationToken);

        public Task<User?> FindByEmailAsync(string email, CancellationToken cancellationToken) => FindAsync(email, cancellationToken);

        public Task<User?> CreateAsync(
            string email,
            Tier tier,
            int rateLimit,
            long? quota,
            string keyHash,
            DateTimeOffset now,
            CancellationToken cancellationToken
        ) => throw new NotSupportedException();

        public Task<bool> SetKeyHashAsync(string email, string? keyHash, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<bool> SetQuotaAsync(string email, long? quota, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<StorageUsage> ReadStorageAsync(long id, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<DoomedUser?> FindDoomedAsync(string email, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task BeginDeletionAsync(long id, DateTimeOffset now, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<bool> TryDeleteAsync(long id, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<IReadOnlyList<User>> ListAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task RecordActivityAsync(IReadOnlyCollection<KeyValuePair<long, DateTimeOffset>> activity, CancellationToken cancellationToken) =>
            Task.FromCanceled(cancellationToken);

        private Task<User?> FindAsync(string key, CancellationToken cancellationToken)
        {
            Lookups.Add(key);
            return Answer.WaitAsync(cancellationToken);
        }
    }
}
