using System.Diagnostics;
using System.Net;
using UrlShortener.Operator.Redis.Cluster;
using Xunit;

namespace UrlShortener.Operator.Tests.Redis;

/// <summary>
/// Writes one key again and again, to whichever node takes it, and measures the longest time without a write. It asks all nodes of the shard, as a client does
/// that knows the topology.
/// </summary>
internal sealed class SetLoop : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly RedisLab _lab;
    private readonly int _shard;
    private readonly string _key;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _running;
    private long _lastWrite = Stopwatch.GetTimestamp();

    // Times from one write to the next; guarded by itself.
    private readonly List<TimeSpan> _gaps = [];
    private long _writes;
    private TimeSpan _longest;

    private SetLoop(RedisLab lab, int shard, string key)
    {
        _lab = lab;
        _shard = shard;
        _key = key;
        _running = Task.Run(RunAsync);
    }

    /// <summary>The longest time without a write, also the one that lasts.</summary>
    public TimeSpan Longest => Stopwatch.GetElapsedTime(Volatile.Read(ref _lastWrite)) is var last && last > _longest ? last : _longest;

    /// <summary>A limit for a time without a write, on a machine that is as busy as this one has been.</summary>
    /// <param name="quiet">The limit where nothing else runs.</param>
    public TimeSpan Allow(TimeSpan quiet)
    {
        lock (_gaps)
            return quiet + (_gaps.Count == 0 ? TimeSpan.Zero : _gaps.Order().ElementAt(_gaps.Count / 2) * 50);
    }

    /// <summary>Number of writes.</summary>
    public long Writes => Volatile.Read(ref _writes);

    /// <summary>Writes to a shard until disposed.</summary>
    public static async Task<SetLoop> StartAsync(RedisLab lab, int shard)
    {
        var pod = $"eu-redis-{shard}-0";
        return new SetLoop(lab, shard, await lab.FindKeyAsync(pod, SlotRange.Of(shard, 3)));
    }

    /// <summary>Waits for a number of further writes.</summary>
    public async Task AwaitWritesAsync(int count)
    {
        var goal = Writes + count;
        await Eventually.HoldsAsync(() => Writes >= goal, "writes succeed");
    }

    /// <summary>Forgets the longest time so far.</summary>
    public void Reset() => _longest = TimeSpan.Zero;

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _running;
        _end.Dispose();
    }

    private async Task RunAsync()
    {
        var pods = new[] { $"eu-redis-{_shard}-0", $"eu-redis-{_shard}-1" };
        var addresses = new Dictionary<string, IPEndPoint>();
        while (!_end.IsCancellationRequested)
        {
            var isWritten = false;
            foreach (var pod in pods)
            {
                if (!addresses.TryGetValue(pod, out var address) && await FindAsync(pod) is { } found)
                    addresses[pod] = address = found;
                if (address is null)
                    continue;
                if (!(await _lab.SendAsync(address, "SET", _key, $"{Writes}")).Succeeded)
                    continue;
                isWritten = true;
                var gap = Stopwatch.GetElapsedTime(_lastWrite);
                if (gap > _longest)
                    _longest = gap;
                lock (_gaps)
                    _gaps.Add(gap);
                Volatile.Write(ref _lastWrite, Stopwatch.GetTimestamp());
                Interlocked.Increment(ref _writes);
            }

            // They may be elsewhere by now.
            if (!isWritten)
                addresses.Clear();
            await Task.Delay(Pause, TestContext.Current.CancellationToken);
        }
    }

    // Null: the pod does not exist at the moment, or has no address yet.
    private async Task<IPEndPoint?> FindAsync(string pod)
    {
        try
        {
            var there = await _lab.ReadPodAsync(pod);
            return there.Status?.PodIP is null ? null : RedisLab.AddressOf(there);
        }
        catch (k8s.Autorest.HttpOperationException)
        {
            return null;
        }
    }
}
