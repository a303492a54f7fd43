using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace UrlShortener.TestHarness;

/// <summary>
/// Creates links one after the other, and remembers those that were acknowledged and when. Follows the newest one again and again meanwhile, so that each read
/// is the first one of a link or soon after it.
/// </summary>
internal sealed class LinkWriter : IAsyncDisposable
{
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentQueue<(string Path, long At)> _acknowledged = new();
    private readonly ConcurrentQueue<string> _missed = new();
    private readonly ConcurrentQueue<long> _followed = new();
    private readonly HttpClient _http;
    private readonly Task _running;
    private long _lastAt;
    private string? _newest;

    /// <param name="http">Reaches the app.</param>
    public LinkWriter(HttpClient http)
    {
        _http = http;
        _running = Task.WhenAll(CreateAsync(), FollowAsync());
    }

    /// <summary>When the last one was acknowledged, as a timestamp of <see cref="Stopwatch"/>; 0: none was.</summary>
    public long LastAt => Volatile.Read(ref _lastAt);

    /// <summary>Acknowledged links that were not found when they were followed in between.</summary>
    public IReadOnlyCollection<string> Missed => _missed;

    /// <summary>The longest time without an acknowledged link since a timestamp; infinite: none was acknowledged since.</summary>
    public TimeSpan LongestGapSince(long began) => LongestGap(_acknowledged.Select(one => one.At), began);

    /// <summary>The usual time from one link to the next. It tells how busy the machine is.</summary>
    public TimeSpan UsualGap
    {
        get
        {
            var times = _acknowledged.Select(one => one.At).ToList();
            var gaps = times.Zip(times.Skip(1), Stopwatch.GetElapsedTime).Order().ToList();
            return gaps.Count == 0 ? TimeSpan.Zero : gaps[gaps.Count / 2];
        }
    }

    /// <summary>A limit for a time without a link, on a machine that is as busy as this one has been.</summary>
    /// <param name="quiet">The limit where nothing else runs.</param>
    public TimeSpan Allow(TimeSpan quiet) => quiet + (UsualGap * 50);

    /// <summary>The longest time without a redirect since a timestamp; infinite: there was none since.</summary>
    public TimeSpan LongestGapOfRedirectsSince(long began) => LongestGap(_followed, began);

    /// <summary>Ends, and returns the acknowledged links.</summary>
    public async Task<IReadOnlyList<string>> StopAsync()
    {
        await _end.CancelAsync();
        await _running;
        return [.. _acknowledged.Select(one => one.Path)];
    }

    /// <summary>Acknowledged links that do not redirect, and codes that were issued twice.</summary>
    public async Task<IReadOnlyList<string>> FindLostAsync()
    {
        var paths = _acknowledged.Select(one => one.Path).ToList();
        var lost = paths.CountBy(path => path).Where(path => path.Value > 1).Select(path => $"{path.Key}: issued {path.Value} times").ToList();
        foreach (var path in paths)
        {
            // An answer that says nothing about the link is no loss: on a busy machine the database may answer a look too late.
            var status = await Eventually.ReadAsync(
                () => TryFollowOnceAsync(path),
                answer => answer is not (null or >= HttpStatusCode.InternalServerError),
                path
            );
            if (status != HttpStatusCode.Found)
                lost.Add($"{path}: {status}");
        }

        return lost;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _end.Dispose();
    }

    private static TimeSpan LongestGap(IEnumerable<long> timestamps, long began)
    {
        var times = timestamps.Where(at => at >= began).Prepend(began).ToList();
        return times.Zip(times.Skip(1), Stopwatch.GetElapsedTime).DefaultIfEmpty(Timeout.InfiniteTimeSpan).Max();
    }

    private async Task CreateAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            if (await TryCreateAsync() is { } path)
            {
                _acknowledged.Enqueue((path, Stopwatch.GetTimestamp()));
                Volatile.Write(ref _lastAt, Stopwatch.GetTimestamp());
                Volatile.Write(ref _newest, path);
            }

            // A pause between requests, not a wait for something.
            await Task.Delay(40, CancellationToken.None);
        }
    }

    private async Task FollowAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            if (Volatile.Read(ref _newest) is { } path && await TryFollowAsync(path))
                _followed.Enqueue(Stopwatch.GetTimestamp());
            // A pause between requests, not a wait for something.
            await Task.Delay(100, CancellationToken.None);
        }
    }

    // It may fail while there is no primary. It may not be unknown.
    private async Task<bool> TryFollowAsync(string path)
    {
        var status = await TryFollowOnceAsync(path);
        if (status == HttpStatusCode.NotFound)
            _missed.Enqueue(path);
        return status == HttpStatusCode.Found;
    }

    // Null: no answer.
    private async Task<HttpStatusCode?> TryFollowOnceAsync(string path)
    {
        try
        {
            using var redirect = await _http.GetAsync(new Uri(path, UriKind.Relative), CancellationToken.None);
            return redirect.StatusCode;
        }
        catch (Exception refused) when (refused is HttpRequestException or TaskCanceledException or SocketException)
        {
            return null;
        }
    }

    private async Task<string?> TryCreateAsync()
    {
        try
        {
            using var content = new StringContent("""{"original_url":"https://example.com/"}""", Encoding.UTF8, "application/json");
            using var response = await _http.PostAsync(new Uri("api/v1/urls", UriKind.Relative), content, CancellationToken.None);
            return response.StatusCode == HttpStatusCode.Created
                ? (string)JsonNode.Parse(await response.Content.ReadAsStringAsync(CancellationToken.None))!["short_code"]!
                : null;
        }
        catch (Exception refused) when (refused is HttpRequestException or TaskCanceledException or SocketException)
        {
            return null;
        }
    }
}
