using System.Collections.Concurrent;
using System.Net;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.Operator.Redis.Protocol;

namespace UrlShortener.Operator.Redis;

/// <summary>
/// Asks the nodes of all regions whether they are there, and requests a reconcile when one is not: no object of the cluster says so in time. Masters are asked
/// four times a second, replicas once.
/// </summary>
internal sealed class RedisProber(RedisClient client, ReconcileTrigger<RedisController> trigger, TimeProvider time) : BackgroundService
{
    /// <summary>Maximum time for an answer.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(200);

    /// <summary>Time between questions to a master.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private const int Misses = 3;
    private const int RoundsOfReplicas = 4;
    private static readonly IReadOnlyList<string> Ping = ["PING"];

    private readonly ConcurrentDictionary<ObjectKey, Target> _targets = new();

    /// <summary>Asks the nodes of a region from now on.</summary>
    /// <param name="region">The region.</param>
    /// <param name="nodes">Addresses of its nodes, and whether they are masters.</param>
    /// <param name="access">Password and certificates.</param>
    public void Watch(ObjectKey region, IReadOnlyDictionary<IPEndPoint, bool> nodes, RedisAccess access)
    {
        var target = _targets.AddOrUpdate(region, _ => new Target(nodes, access, new(), new()), (_, former) => former with { Nodes = nodes, Access = access });
        foreach (var node in target.Missed.Keys.Where(node => !nodes.ContainsKey(node)))
            target.Missed.TryRemove(node, out _);
    }

    /// <summary>Asks the nodes of a region no more.</summary>
    public void Unwatch(ObjectKey region) => _targets.TryRemove(region, out _);

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // At most one for each node.
        var asking = new HashSet<Task>();
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            for (var round = 0; await timer.WaitForNextTickAsync(stoppingToken); round++)
            {
                // A fault of this code ends the process instead of the watch alone.
                foreach (var ended in asking.Where(task => task.IsCompleted).ToList())
                {
                    asking.Remove(ended);
                    await ended;
                }

                foreach (var (region, target) in _targets)
                {
                    foreach (var (node, isMaster) in target.Nodes)
                    {
                        // Connecting takes longer than a round.
                        if ((isMaster || round % RoundsOfReplicas == 0) && target.Asked.TryAdd(node, true))
                            asking.Add(AskAsync(region, target, node, stoppingToken));
                    }
                }

                if (round % 240 == 0)
                    client.Prune();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process stops.
        }

        await Task.WhenAll(asking);
    }

    private async Task AskAsync(ObjectKey region, Target target, IPEndPoint node, CancellationToken cancellationToken)
    {
        try
        {
            var outcome = await client.SendAsync(node, target.Access, Limit, Ping, cancellationToken);
            RedisMetrics.Probes.WithLabels(outcome.Succeeded ? RedisMetrics.Answered : RedisMetrics.Missed).Inc();
            var former = target.Missed.GetValueOrDefault(node);
            if (outcome.Succeeded)
                target.Missed.TryRemove(node, out _);
            else
                target.Missed[node] = former + 1;
            // Silence may be a pause of the network; a refused connection is none. A node that is back is news too.
            if (outcome.Succeeded ? former >= Misses : former + 1 == Misses || (former == 0 && outcome.Reach is RedisReach.Refused or RedisReach.Broken))
                trigger.Request(region);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The process stops.
        }
        finally
        {
            target.Asked.TryRemove(node, out _);
        }
    }

    private sealed record Target(
        IReadOnlyDictionary<IPEndPoint, bool> Nodes,
        RedisAccess Access,
        ConcurrentDictionary<IPEndPoint, int> Missed,
        ConcurrentDictionary<IPEndPoint, bool> Asked
    );
}
