using UrlShortener.Runtime.Links;

namespace UrlShortener.Runtime.Tests.Caching;

/// <summary>A store whose lookups do what a test wants.</summary>
internal sealed class FakeLinkStore : ILinkStore
{
    public static Link NewLink(string code, string target = "https://example.com/") =>
        new(code, target, null, DateTimeOffset.UnixEpoch, null, 0, null, IsActive: true, 302, "{}");

    private volatile Func<string, CancellationToken, Task<Link?>> _find = (code, _) => Task.FromResult<Link?>(NewLink(code));
    private int _calls;

    public Func<string, CancellationToken, Task<Link?>> Find
    {
        get => _find;
        set => _find = value;
    }

    public int Calls => Volatile.Read(ref _calls);

    /// <summary>Makes every lookup from now on wait for one answer.</summary>
    public TaskCompletionSource<Link?> Block()
    {
        var answer = new TaskCompletionSource<Link?>(TaskCreationOptions.RunContinuationsAsynchronously);
        Find = (_, token) => answer.Task.WaitAsync(token);
        return answer;
    }

    public Task<Link?> FindAsync(string shortCode, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _calls);
        return Find(shortCode, cancellationToken);
    }

    public Task<CreateLinksResult> CreateAsync(CreateLinks request, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<CreateLinksResult?> FindReplyAsync(string key, string requestHash, DateTimeOffset now, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public async Task<LinkTarget?> FindTargetAsync(string shortCode, StateVersion atLeast, CancellationToken cancellationToken) =>
        await FindAsync(shortCode, cancellationToken) is { } link
            ? new LinkTarget(link.OriginalUrl, link.ExpiresAt, link.RedirectType, link.IsActive, new StateVersion(0, 1))
            : null;

    public Task<LinkChangeResult> UpdateAsync(string shortCode, long userId, LinkChange change, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task<LinkChangeResult> DeleteAsync(string shortCode, long userId, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<LinkPage> ListAsync(LinkQuery query, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<int> DeleteOfUserAsync(long userId, int limit, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<int> DeleteIdempotencyKeysOfUserAsync(long userId, int limit, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<int> DeleteExpiredIdempotencyKeysAsync(DateTimeOffset now, CancellationToken cancellationToken) => throw new NotSupportedException();
}
