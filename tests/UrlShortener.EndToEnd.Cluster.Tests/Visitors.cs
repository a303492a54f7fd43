using System.Collections.Concurrent;
using System.Globalization;
using System.Net;

namespace UrlShortener.EndToEnd.Cluster.Tests;

/// <summary>Some visitors who follow a link again and again, a hundred times a second at most, until they are stopped. None of them tries again what
/// failed.</summary>
internal sealed class Visitors : IAsyncDisposable
{
    private const int Count = 4;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly CancellationTokenSource _ended;
    private readonly ConcurrentQueue<string> _failures = [];
    private readonly Task _visits;
    private int _redirects;

    private Visitors(Func<HttpClient> connect, string path, CancellationToken cancellationToken)
    {
        _ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _visits = Task.WhenAll(Enumerable.Range(0, Count).Select(_ => VisitAsync(connect, path)));
    }

    /// <summary>How many redirects there were.</summary>
    public int Redirects => _redirects;

    /// <summary>Lets visitors come.</summary>
    /// <param name="connect">Makes the client of one visitor, with connections of its own.</param>
    /// <param name="path">The link.</param>
    /// <param name="cancellationToken">Stops them.</param>
    public static Visitors Come(Func<HttpClient> connect, string path, CancellationToken cancellationToken) => new(connect, path, cancellationToken);

    /// <summary>Stops them and returns each failure, with its time.</summary>
    public async Task<IReadOnlyCollection<string>> StopAsync()
    {
        await _ended.CancelAsync();
        await _visits;
        return _failures;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _ended.Dispose();
    }

    private async Task VisitAsync(Func<HttpClient> connect, string path)
    {
        using var http = connect();
        while (!_ended.IsCancellationRequested)
        {
            if (await FindFailureAsync(http, path) is { } failure)
                _failures.Enqueue(string.Create(CultureInfo.InvariantCulture, $"{TimeProvider.System.GetUtcNow():HH:mm:ss.fff} {failure}"));
            else
                Interlocked.Increment(ref _redirects);
            // Few enough to leave the node time for what is tested: pods that start and end.
            await Task.Delay(Pause, CancellationToken.None);
        }
    }

    // A visit that has begun is made to its end.
    private static async Task<string?> FindFailureAsync(HttpClient http, string path)
    {
        try
        {
            using var response = await http.GetAsync(new Uri(path, UriKind.Relative), CancellationToken.None);
            return response.StatusCode == HttpStatusCode.Found
                ? null
                : $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync(CancellationToken.None)}";
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException)
        {
            return error.ToString();
        }
    }
}
