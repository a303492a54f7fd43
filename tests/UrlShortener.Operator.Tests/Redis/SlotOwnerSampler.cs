using UrlShortener.Operator.Redis.Cluster;
using Xunit;

namespace UrlShortener.Operator.Tests.Redis;

/// <summary>
/// Asks all nodes again and again which slots they own. Of two that claim a slot the one with the newer epoch owns it, and the other one hears of it at once; two
/// with one epoch, or two claims that stay, are two owners.
/// </summary>
internal sealed class SlotOwnerSampler : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    // Samples in a row. A failover or a move is known everywhere within a few rounds of gossip; a node that was away is one that nobody asks.
    private const int MostStale = 50;

    private readonly RedisLab _lab;
    private readonly CancellationTokenSource _end = new();
    private readonly Dictionary<int, int> _stale = [];
    private readonly List<string> _faults = [];
    private readonly Task _running;

    private SlotOwnerSampler(RedisLab lab)
    {
        _lab = lab;
        _running = Task.Run(RunAsync);
    }

    /// <summary>Number of samples.</summary>
    public int Samples { get; private set; }

    /// <summary>Starts to ask.</summary>
    public static SlotOwnerSampler Start(RedisLab lab) => new(lab);

    /// <summary>Stops, and returns slots with two owners.</summary>
    public async Task<IReadOnlyList<string>> StopAsync()
    {
        await _end.CancelAsync();
        await _running;
        return _faults;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _end.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            foreach (var (slot, owners) in FindContested([.. (await _lab.AskAsync()).Values.Where(view => view.OwnsSlots)]))
            {
                _stale[slot] = _stale.GetValueOrDefault(slot) + 1;
                if (owners.Select(owner => owner.Self!.Epoch).Distinct().Count() < owners.Count || _stale[slot] == MostStale)
                    _faults.Add($"slot {slot}: {string.Join(", ", owners.Select(owner => $"{owner.Pod} with epoch {owner.Self!.Epoch}"))}");
            }

            Samples++;
            await Task.WhenAny(Task.Delay(Interval, TestContext.Current.CancellationToken), Task.Delay(Timeout.Infinite, _end.Token));
        }
    }

    // Slots with more than one claim. Those that are settled are forgotten.
    private Dictionary<int, List<NodeView>> FindContested(IReadOnlyList<NodeView> views)
    {
        var first = new NodeView?[SlotRange.Slots];
        var contested = new Dictionary<int, List<NodeView>>();
        foreach (var view in views)
        {
            foreach (var range in view.Self!.Slots)
            {
                for (var slot = range.First; slot <= range.Last; slot++)
                {
                    if (first[slot] is not { } other)
                        first[slot] = view;
                    else if (contested.TryGetValue(slot, out var more))
                        more.Add(view);
                    else
                        contested[slot] = [other, view];
                }
            }
        }

        foreach (var slot in _stale.Keys.Where(slot => !contested.ContainsKey(slot)).ToList())
            _stale.Remove(slot);
        return contested;
    }
}
