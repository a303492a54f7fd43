using UrlShortener.Runtime.Codes;

namespace UrlShortener.Runtime.Caching;

/// <summary>
/// Looks a few codes up before requests are taken, so that the first visitors of a new process do not wait for connections to be opened and code to be
/// compiled. A start waits a moment for it at most, and works without.
/// </summary>
internal sealed class WarmUp(LinkCache cache, ISharedLinkCache shared, TimeProvider time) : IHostedService
{
    // Concurrent, so that each lookup opens a connection. The codes are almost certainly unused.
    private const int Lookups = 8;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    /// <inheritdoc />
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Limit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            // The first turn may find the shared tier not connected yet; then there is another.
            bool isShared;
            do
            {
                isShared = shared.IsAvailable;
                await Task.WhenAll(Enumerable.Range(0, Lookups).Select(_ => cache.LoadAsync(CodeGenerator.Generate(), both.Token).AsTask()))
                    .WaitAsync(both.Token);
                if (!isShared)
                    await Task.Delay(Interval, time, both.Token);
            } while (!isShared);
        }
        // Requests meet the same failure and report it.
        catch (Exception) when (!cancellationToken.IsCancellationRequested) { }
    }

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
