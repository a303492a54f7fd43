using System.Collections.Concurrent;
using System.Globalization;
using System.Net;

namespace UrlShortener.EndToEnd.Cluster.Tests;

/// <summary>Some visitors who follow a link again and again, with a short pause in between, until they are stopped. None of them tries again what
/// failed.</summary>
internal sealed class Visitors : IAsyncDisposable
{
    private const int Usual = 4;

    // Few enough to leave the node time for what is tested: pods that start and end.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly CancellationTokenSource _ended;
    private readonly ConcurrentQueue<string> _failures = [];
    private readonly Task _visits;
    private int _redirects;

    private Visitors(Func<HttpClient> connect, string path, int count, CancellationToken cancellationToken)
    {
        _ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _visits = Task.WhenAll(Enumerable.Range(0, count).Select(_ => VisitAsync(connect, path)));
    }

    /// <summary>How many redirects there were.</summary>
    public int Redirects => _redirects;

    /// <summary>Lets visitors come.</summary>
    /// <param name="connect">Makes the client of one visitor, with connections of its own.</param>
    /// <param name="path">The link.</param>
    /// <param name="cancellationToken">Stops them.</param>
    /// <param name="count">How many there are.</param>
    public static Visitors Come(Func<HttpClient> connect, string path, CancellationToken cancellationToken, int count = Usual) =>
        new(connect, path, count, cancellationToken);

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
            await Task.Delay(Pause, CancellationToken.None);
        }
    }

    // A visit that has begun is made to its end.
    internal static async Task<string?> FindFailureAsync(HttpClient http, string path)
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
