using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using Xunit;
using ZiggyCreatures.Caching.Fusion;

namespace UrlShortener.Runtime.Tests.Caching;

public sealed class ChangeFeedTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly FakeLog _log = new();
    private readonly FakeShared _shared = new();
    private readonly FakeStore _store = new();
    private readonly RecordingLogger _logger = new();
    private readonly KeyEpoch _epoch = new();
    private readonly LinkCache _cache;
    private readonly ChangeFeed _feed;

    public ChangeFeedTests()
    {
        _cache = new LinkCache(_store, new NoSharedLinkCache(), _epoch, new CachingOptions(), NullLogger<FusionCache>.Instance);
        _feed = new ChangeFeed(_log, _shared, _cache, _epoch, new RedisOptions(), _time, _logger);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _feed.StopAsync(CancellationToken.None);
        _feed.Dispose();
        _cache.Dispose();
    }

    [Fact]
    public async Task Run_EntryOfTheLog_VoidsMemoryAndTheSharedTier()
    {
        await _cache.LoadAsync("abcd", Token);
        await StartAsync();

        _log.Entries = [new(1, new LinkVersion("abcd", new(0, 3)))];
        await ReadAsync();

        Assert.False(_cache.TryGet("abcd", out _));
        await _cache.LoadAsync("abcd", Token);
        // A replica that lags may not answer with an older state.
        Assert.Equal(new StateVersion(0, 3), _store.AtLeast);
        await Eventually.HoldsAsync(() => _shared.Voided.SequenceEqual([new LinkVersion("abcd", new(0, 3))]));
    }

    [Fact]
    public async Task Run_EpochOpened_VoidsMemoryAndEntriesOfLostIdsAreNotSkipped()
    {
        await StartAsync();
        _log.Entries = [new(1, new LinkVersion("abcd", new(0, 7)))];
        await ReadAsync();
        await _cache.LoadAsync("abcd", Token);
        Assert.True(_cache.TryGet("abcd", out _));

        _log.Epoch = 1;
        _log.Entries = [];
        await ReadAsync();

        Assert.Equal(1, _epoch.Current);
        Assert.False(_cache.TryGet("abcd", out _));
        // What was changed lately had a larger number; now the store is behind, and no replica of the time before is good enough.
        await _cache.LoadAsync("abcd", Token);
        Assert.Equal(new StateVersion(1, 0), _store.AtLeast);
        Assert.True(_cache.TryGet("abcd", out _));

        // The restored store gives the same id out again.
        _log.Entries = [new(1, new LinkVersion("abcd", new(1, 3)))];
        await ReadAsync();

        Assert.False(_cache.TryGet("abcd", out _));
        Assert.Equal([new(0, 7), new(1, 3)], _shared.Voided.Select(change => change.Version));
        Assert.Single(_logger.Events, entry => entry == (LogLevel.Information, 4));
    }

    [Fact]
    public async Task Run_SameEntryAgain_IsSkipped()
    {
        await StartAsync();
        _log.Entries = [new(1, new LinkVersion("abcd", new(0, 3)))];
        await ReadAsync();
        await _cache.LoadAsync("abcd", Token);

        await ReadAsync();
        await ReadAsync();

        Assert.True(_cache.TryGet("abcd", out _));
        Assert.Single(_shared.Voided);
    }

    [Fact]
    public async Task Run_LaterEntry_TheSharedTierIsToldASecondTime()
    {
        await StartAsync();
        _log.Entries = [new(1, new LinkVersion("abcd", new(0, 3)))];
        await ReadAsync();
        Assert.Single(_shared.Voided);

        _log.Entries = [];
        for (var i = 0; i < 40; i++)
            await ReadAsync();

        Assert.Equal(2, _shared.Voided.Count);
    }

    [Fact]
    public async Task Run_EntriesOfTheFirstRead_AreToldOnce()
    {
        _log.Entries = [new(1, new LinkVersion("abcd", new(0, 3)))];
        await StartAsync();
        _log.Entries = [];
        for (var i = 0; i < 40; i++)
            await ReadAsync();

        Assert.Single(_shared.Voided);
    }

    [Fact]
    public async Task Run_SharedTierIsAway_IsToldWhenItIsBack()
    {
        await StartAsync();
        _shared.IsAway = true;
        _log.Entries = [.. Enumerable.Range(1, 100).Select(i => new LoggedChange(i, new LinkVersion($"code{i}", new(0, i))))];
        await ReadAsync();
        _log.Entries = [];
        for (var i = 0; i < 10; i++)
            await ReadAsync();
        Assert.Empty(_shared.Voided);

        _shared.IsAway = false;
        await Eventually.HoldsAsync(() => _shared.Voided.Count >= 100, Step);

        Assert.Equal(100, _shared.Voided.Distinct().Count());
    }

    [Fact]
    public async Task Run_LogCannotBeRead_IsLoggedOnceAndMadeUpFor()
    {
        await StartAsync();
        _log.Error = new IOException("down");
        var failed = _log.Ages.Count;
        await Eventually.HoldsAsync(() => _log.Ages.Count >= failed + 5, Step);
        _log.Error = null;
        _log.Entries = [new(1, new LinkVersion("abcd", new(0, 3)))];

        await Eventually.HoldsAsync(() => _shared.Voided.Count == 1, Step);

        Assert.Equal([TimeSpan.FromSeconds(3_610), TimeSpan.FromSeconds(10.5)], _log.Ages.Take(2));
        Assert.Contains(_log.Ages.Skip(1), age => age >= TimeSpan.FromSeconds(12.5));
        Assert.Single(_logger.Events, entry => entry == (LogLevel.Warning, 2));
        Assert.Single(_logger.Events, entry => entry == (LogLevel.Information, 3));
    }

    [Fact]
    public async Task Run_OtherProcessTells_MemoryIsVoidedAtOnce()
    {
        await _cache.LoadAsync("abcd", Token);
        await StartAsync();

        (await _shared.Listener)(new LinkVersion("abcd", new(0, 9)));

        Assert.False(_cache.TryGet("abcd", out _));
        await _cache.LoadAsync("abcd", Token);
        Assert.Equal(new StateVersion(0, 9), _store.AtLeast);
    }

    [Fact]
    public async Task Run_ListeningFails_IsTriedAgainAndLoggedOnce()
    {
        _shared.FailuresToListen = 3;
        await StartAsync();

        await Eventually.HoldsAsync(() => _shared.Listener.IsCompleted, Step);

        Assert.Single(_logger.Events, entry => entry == (LogLevel.Warning, 1));
    }

    [Fact]
    public async Task Stop_WhileRunning_Ends()
    {
        await StartAsync();
        await _feed.StopAsync(Token);
        Assert.True(_feed.ExecuteTask!.IsCanceled);
    }

    private void Step() => _time.Advance(ChangeFeed.Interval);

    // Returns once the first read and what follows from it are done.
    private async Task StartAsync()
    {
        await _feed.StartAsync(Token);
        await Eventually.HoldsAsync(() => !_log.Ages.IsEmpty);
        await ReadAsync();
    }

    // The next read, to the end of what follows from it: the read after it has begun.
    private async Task ReadAsync()
    {
        var before = _log.Ages.Count;
        Step();
        await Eventually.HoldsAsync(() => _log.Ages.Count > before);
        before = _log.Ages.Count;
        Step();
        await Eventually.HoldsAsync(() => _log.Ages.Count > before);
    }

    private sealed class FakeLog : ILinkChangeLog
    {
        private volatile IReadOnlyList<LoggedChange> _entries = [];
        private volatile Exception? _error;
        private volatile int _epoch;

        public IReadOnlyList<LoggedChange> Entries
        {
            get => _entries;
            set => _entries = value;
        }

        public int Epoch
        {
            get => _epoch;
            set => _epoch = value;
        }

        public Exception? Error
        {
            get => _error;
            set => _error = value;
        }

        public ConcurrentQueue<TimeSpan> Ages { get; } = new();

        public async Task<RecentChanges> ReadAsync(TimeSpan age, CancellationToken cancellationToken)
        {
            await Task.Yield();
            var entries = Entries;
            var error = Error;
            Ages.Enqueue(age);
            return error is null ? new RecentChanges(Epoch, entries) : throw error;
        }

        public Task<int> DeleteAsync(TimeSpan age, CancellationToken cancellationToken) => throw new NotSupportedException();
    }

    private sealed class FakeShared : ISharedLinkCache
    {
        private readonly TaskCompletionSource<Action<LinkVersion>> _listener = new();
        private volatile bool _isAway;

        public bool IsAway
        {
            get => _isAway;
            set => _isAway = value;
        }

        public int FailuresToListen { get; set; }

        public ConcurrentQueue<LinkVersion> Voided { get; } = new();

        public Task<Action<LinkVersion>> Listener => _listener.Task;

        public bool IsAvailable => !IsAway;

        public ValueTask<SharedLookup> FindAsync(string shortCode, CancellationToken cancellationToken) => default;

        public ValueTask StoreAsync(string shortCode, LinkTarget target, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        // The feed tells no other process: they read the log themselves.
        public ValueTask<bool> InvalidateAsync(LinkVersion change, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<bool> VoidAsync(LinkVersion change, CancellationToken cancellationToken)
        {
            if (IsAway)
                return ValueTask.FromResult(false);
            Voided.Enqueue(change);
            return ValueTask.FromResult(true);
        }

        public Task ListenAsync(Action<LinkVersion> onChange, CancellationToken cancellationToken)
        {
            if (FailuresToListen-- > 0)
                throw new IOException("down");
            _listener.TrySetResult(onChange);
            return Task.Delay(Timeout.Infinite, cancellationToken);
        }
    }

    private sealed class FakeStore : ILinkStore
    {
        public StateVersion AtLeast { get; private set; }

        public Task<LinkTarget?> FindTargetAsync(string shortCode, StateVersion atLeast, CancellationToken cancellationToken)
        {
            AtLeast = atLeast;
            return Task.FromResult<LinkTarget?>(new LinkTarget("https://example.com/", null, 302, IsActive: true, StateVersion.Newest(new(0, 1), atLeast)));
        }

        public Task<CreateLinksResult> CreateAsync(CreateLinks request, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<CreateLinksResult?> FindReplyAsync(string key, string requestHash, DateTimeOffset now, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<Link?> FindAsync(string shortCode, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<LinkChangeResult> UpdateAsync(string shortCode, long userId, LinkChange change, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<LinkChangeResult> DeleteAsync(string shortCode, long userId, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<LinkPage> ListAsync(LinkQuery query, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<int> DeleteOfUserAsync(long userId, int limit, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<int> DeleteIdempotencyKeysOfUserAsync(long userId, int limit, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<int> DeleteExpiredIdempotencyKeysAsync(DateTimeOffset now, CancellationToken cancellationToken) => throw new NotSupportedException();
    }

    private sealed class RecordingLogger : ILogger<ChangeFeed>
    {
        public ConcurrentQueue<(LogLevel Level, int Id)> Events { get; } = new();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Events.Enqueue((logLevel, eventId.Id));
    }
}
