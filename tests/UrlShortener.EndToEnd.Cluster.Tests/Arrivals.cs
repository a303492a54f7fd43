using System.Collections.Concurrent;
using System.Diagnostics;

namespace UrlShortener.EndToEnd.Cluster.Tests;

/// <summary>
/// New visitors who arrive at a fixed rate, whatever becomes of those before them. Each opens a connection, follows a link once and gives up after a few
/// seconds. Unlike <see cref="Visitors"/>, who wait for an answer before they come again, they show how large a part of the requests fails, and for how long.
/// </summary>
internal sealed class Arrivals : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private readonly CancellationTokenSource _ended;
    private readonly ConcurrentQueue<Visit> _visits = [];
    private readonly Task _arriving;
    private int _streak;

    private Arrivals(Func<HttpClient> connect, string path, CancellationToken cancellationToken)
    {
        _ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _arriving = ArriveAsync(connect, path);
    }

    /// <summary>How long a visitor waits for the answer.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(3);

    /// <summary>How many visits have succeeded since the last one that failed.</summary>
    public int Streak => _streak;

    /// <summary>More visits than arrive while one of them waits in vain: after so many successes no failure is under way.</summary>
    public static int LongStreak { get; } = 2 * (int)(Patience / Interval);

    /// <summary>Lets visitors arrive.</summary>
    /// <param name="connect">Makes the client of one visitor, with a connection of its own.</param>
    /// <param name="path">The link.</param>
    /// <param name="cancellationToken">Stops them.</param>
    public static Arrivals Begin(Func<HttpClient> connect, string path, CancellationToken cancellationToken) => new(connect, path, cancellationToken);

    /// <summary>Lets nobody arrive any more, and returns all visits after the last has ended.</summary>
    public async Task<IReadOnlyList<Visit>> StopAsync()
    {
        await _ended.CancelAsync();
        await _arriving;
        return [.. _visits.OrderBy(visit => visit.Began)];
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _ended.Dispose();
    }

    private async Task ArriveAsync(Func<HttpClient> connect, string path)
    {
        var visits = new List<Task>();
        using var timer = new PeriodicTimer(Interval);
        try
        {
            while (await timer.WaitForNextTickAsync(_ended.Token))
            {
                visits.RemoveAll(visit => visit.IsCompletedSuccessfully);
                visits.Add(VisitAsync(connect, path));
            }
        }
        catch (OperationCanceledException)
        {
            // They are stopped.
        }

        await Task.WhenAll(visits);
    }

    private async Task VisitAsync(Func<HttpClient> connect, string path)
    {
        var began = Stopwatch.GetTimestamp();
        using var http = connect();
        http.Timeout = Patience;
        var failure = await Visitors.FindFailureAsync(http, path);
        _visits.Enqueue(new Visit(began, failure));
        if (failure is null)
            Interlocked.Increment(ref _streak);
        else
            Interlocked.Exchange(ref _streak, 0);
    }

    /// <summary>One visit.</summary>
    /// <param name="Began">When, as <see cref="Stopwatch"/> counts.</param>
    /// <param name="Failure">What went wrong; null: nothing.</param>
    internal readonly record struct Visit(long Began, string? Failure);
}
