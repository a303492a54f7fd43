using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Clicks;

/// <summary>Anybody may follow a link as often as they like, with headers as large as the server takes: that must cost neither the process nor the clicks of
/// others.</summary>
public sealed class ClickFloodTests : ProductTest, IClassFixture<SmallPodFixture>
{
    private const int Connections = 64;
    private const int UserAgentBytes = 28 * 1024;

    // Kept whole, this many user agents are more than the pod's memory.
    private const int Clicks = 10_000;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    // On a machine whose cores are all busy the first clicks may be stored late. The flood goes on until then.
    private static readonly TimeSpan MostPatience = TimeSpan.FromSeconds(60);

    private readonly ProductProcess _pod;

    public ClickFloodTests(SmallPodFixture fixture) => _pod = Share(fixture.Pod);

    [Fact]
    public async Task Clicks_FloodOfLargeUserAgents_AreStoredMeanwhileAndAllAccountedFor()
    {
        var code = await _pod.Owner.CreateLinkAsync();
        var started = Stopwatch.GetTimestamp();
        var answered = 0;
        var storedMeanwhile = 0d;

        var flood = Task.WhenAll(Enumerable.Range(0, Connections).Select(FloodAsync));
        while (!flood.IsCompleted)
        {
            Volatile.Write(ref storedMeanwhile, await _pod.ReadMetricAsync("shortener_clicks_stored_total"));
            await Task.Delay(25, TestContext.Current.CancellationToken);
        }

        await flood;
        _pod.AssertIsRunning();
        Assert.True(storedMeanwhile > 0, $"None of {answered} clicks was stored while they came.");
        await _pod.Anonymous.GetAsync($"/{code}", ("User-Agent", UserAgents.Desktop));
        await Eventually.ReadAsync(() => _pod.ReadMetricAsync("shortener_clicks_waiting"), waiting => waiting == 0, "no click waits");
        var stored = await _pod.ReadMetricAsync("shortener_clicks_stored_total");
        Assert.Equal(answered + 1, stored + await _pod.ReadMetricAsync("shortener_clicks_dropped_total"));
        // PostgreSQL counts what is stored a moment later.
        await Eventually.ReadAsync(
            async () =>
            {
                var statistics = await _pod.Owner.GetStatisticsAsync(code);
                return statistics.GetProperty("total_clicks").GetInt64() + statistics.GetProperty("bots").GetInt64();
            },
            counted => counted == stored,
            $"{stored} stored clicks are counted"
        );

        bool GoesOn() =>
            Volatile.Read(ref storedMeanwhile) == 0
                ? Stopwatch.GetElapsedTime(started) < MostPatience
                : Volatile.Read(ref answered) < Clicks && Stopwatch.GetElapsedTime(started) < Limit;

        async Task FloodAsync(int connection)
        {
            using var client = new TcpClient { NoDelay = true };
            await client.ConnectAsync(_pod.Http.BaseAddress!.Host, _pod.Http.BaseAddress.Port, TestContext.Current.CancellationToken);
            var stream = client.GetStream();
            var answer = new byte[4_096];
            // Each request is complete before the next is decided on, so that all that were counted were answered.
            while (GoesOn())
            {
                var agent = $"{connection}-{Guid.NewGuid():N}".PadRight(UserAgentBytes, 'x');
                await stream.WriteAsync(
                    Encoding.ASCII.GetBytes($"GET /{code} HTTP/1.1\r\nHost: flood\r\nUser-Agent: {agent}\r\n\r\n"),
                    TestContext.Current.CancellationToken
                );
                var length = 0;
                do
                {
                    var read = await stream.ReadAsync(answer.AsMemory(length), TestContext.Current.CancellationToken);
                    Assert.True(read > 0, $"The product closed a connection. Its output:\n{_pod.Output}");
                    length += read;
                } while (!answer.AsSpan(0, length).EndsWith("\r\n\r\n"u8));
                Assert.StartsWith("HTTP/1.1 302", Encoding.ASCII.GetString(answer, 0, length), StringComparison.Ordinal);
                Interlocked.Increment(ref answered);
            }
        }
    }
}
