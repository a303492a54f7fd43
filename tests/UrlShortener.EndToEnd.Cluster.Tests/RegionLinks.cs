using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace UrlShortener.EndToEnd.Cluster.Tests;

/// <summary>Asks each region for a new link several times a second, and remembers which region acknowledged which, and when.</summary>
internal sealed class RegionLinks : IAsyncDisposable
{
    private readonly IReadOnlyDictionary<string, HttpClient> _regions;
    private readonly ConcurrentQueue<(string Region, string Code, long At)> _acknowledged = new();
    private readonly CancellationTokenSource _end = new();
    private readonly Task _running;

    /// <param name="regions">A client of each region, by its name.</param>
    public RegionLinks(IReadOnlyDictionary<string, HttpClient> regions)
    {
        _regions = regions;
        _running = Task.WhenAll(regions.Select(region => CreateAsync(region.Key, region.Value)));
    }

    /// <summary>Number of links.</summary>
    public int Count => _acknowledged.Count;

    /// <summary>Whether a region has acknowledged one within the last second.</summary>
    public bool IsWriting(string region) =>
        _acknowledged.Reverse().FirstOrDefault(link => link.Region == region) is { At: > 0 } last
        && Stopwatch.GetElapsedTime(last.At) < TimeSpan.FromSeconds(1);

    /// <summary>The longest time since a timestamp in which no region acknowledged one.</summary>
    public TimeSpan LongestGapSince(long began)
    {
        var times = _acknowledged.Select(link => link.At).Where(at => at >= began).Prepend(began).Order().ToList();
        return times.Zip(times.Skip(1), Stopwatch.GetElapsedTime).DefaultIfEmpty(Timeout.InfiniteTimeSpan).Max();
    }

    /// <summary>Regions in the order in which they took links; one that took several in a row is there once.</summary>
    public IReadOnlyList<string> ReadWriters()
    {
        var writers = new List<string>();
        foreach (var (region, _, _) in _acknowledged.OrderBy(link => link.At))
        {
            if (writers.Count == 0 || writers[^1] != region)
                writers.Add(region);
        }

        return writers;
    }

    /// <summary>Links that a region does not redirect, with the time at which they were acknowledged; and codes that were issued twice.</summary>
    public async Task<IReadOnlyList<(string Text, long At)>> FindLostAsync(string region, CancellationToken cancellationToken)
    {
        var links = _acknowledged.ToList();
        var lost = links
            .GroupBy(link => link.Code)
            .Where(same => same.Count() > 1)
            .Select(same => ($"{same.Key}: issued {same.Count()} times", same.Max(link => link.At)))
            .ToList();
        foreach (var link in links)
        {
            using var redirect = await _regions[region].GetAsync(new Uri(link.Code, UriKind.Relative), cancellationToken);
            if (redirect.StatusCode != HttpStatusCode.Found)
                lost.Add(($"{link.Code} of {link.Region}: {redirect.StatusCode} in {region}", link.At));
        }

        return lost;
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _running;
        _end.Dispose();
        foreach (var http in _regions.Values)
            http.Dispose();
    }

    private async Task CreateAsync(string region, HttpClient http)
    {
        while (!_end.IsCancellationRequested)
        {
            try
            {
                using var content = new StringContent("""{"original_url":"https://example.com/"}""", Encoding.UTF8, "application/json");
                using var response = await http.PostAsync(new Uri("api/v1/urls", UriKind.Relative), content, CancellationToken.None);
                if (response.StatusCode == HttpStatusCode.Created)
                {
                    var body = await response.Content.ReadAsStringAsync(CancellationToken.None);
                    _acknowledged.Enqueue((region, (string)JsonNode.Parse(body)!["short_code"]!, Stopwatch.GetTimestamp()));
                }
            }
            catch (Exception refused) when (refused is HttpRequestException or TaskCanceledException)
            {
                // It does not answer now.
            }

            // A pause between requests, not a wait for something.
            await Task.Delay(100, CancellationToken.None);
        }
    }
}
