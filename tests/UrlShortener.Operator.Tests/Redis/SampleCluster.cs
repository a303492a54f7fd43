using System.Globalization;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Redis;
using UrlShortener.Operator.Redis.Cluster;
using UrlShortener.Operator.Redis.Protocol;

namespace UrlShortener.Operator.Tests.Redis;

/// <summary>Three shards with a replica each, whole: masters are the pods with number 0.</summary>
internal sealed class SampleCluster
{
    public static readonly RedisSpec Spec = new() { Image = "redis:7.2" };

    public SampleCluster()
    {
        for (var shard = 0; shard < 3; shard++)
        {
            for (var ordinal = 0; ordinal < 2; ordinal++)
            {
                var number = (ordinal * 3) + shard;
                var name = string.Create(CultureInfo.InvariantCulture, $"r-{shard}-{ordinal}");
                Pods[name] = new RedisPod
                {
                    Name = name,
                    Shard = shard,
                    Ordinal = ordinal,
                    Ip = IpOf(number),
                    Process = $"{name}/1",
                    Domain = $"zone-{(shard + ordinal) % 3}",
                };
                Views[name] = View(name, IdOf(number), [.. Enumerable.Range(0, 6).Select(other => LineOf(other, isSelf: other == number))]) with
                {
                    IsStateOk = true,
                    CurrentEpoch = 3,
                    MasterHost = ordinal == 1 ? IpOf(shard) : "",
                    IsLinkUp = ordinal == 1,
                    Offset = 100,
                };
            }
        }
    }

    public SortedDictionary<string, RedisPod> Pods { get; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, NodeView> Views { get; } = new(StringComparer.Ordinal);

    public static string IdOf(int number) => new((char)('0' + number), 40);

    public static NodeView View(string pod, string id, IReadOnlyList<ClusterMember> members) =>
        new()
        {
            Pod = pod,
            Reach = RedisReach.Answered,
            Members = [.. members.OrderByDescending(member => member.Id == id)],
        };

    public static ClusterMember Line(string id, string ip, string flags, string? master = null, long epoch = 0, params IReadOnlyList<SlotRange> slots) =>
        new()
        {
            Id = id,
            Ip = ip,
            Flags = flags.Split(',').ToHashSet(),
            MasterId = master,
            Epoch = epoch,
            IsLinked = true,
            Slots = slots,
        };

    public SampleCluster Blank()
    {
        foreach (var (number, pod) in Views.Keys.ToList().Index())
            Views[pod] = View(pod, IdOf(number), [Line(IdOf(number), "", "myself,master")]);
        return this;
    }

    /// <summary>Adds a fourth shard without slots: two nodes that know nobody.</summary>
    public SampleCluster AddShard(bool isLeaving = false)
    {
        for (var ordinal = 0; ordinal < 2; ordinal++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"r-3-{ordinal}");
            Pods[name] = new RedisPod
            {
                Name = name,
                Shard = 3,
                Ordinal = ordinal,
                Ip = IpOf(6 + ordinal),
                Process = $"{name}/1",
                Domain = "zone-0",
                IsLeaving = isLeaving,
            };
            Views[name] = View(name, IdOf(6 + ordinal), [Line(IdOf(6 + ordinal), IpOf(6 + ordinal), "myself,master")]);
        }

        return this;
    }

    /// <summary>All nodes know each other. The second node of the fourth shard replicates the first one, or not.</summary>
    public SampleCluster Join(bool isFollowed)
    {
        foreach (var (pod, view) in Views.ToList())
        {
            Views[pod] = view with
            {
                IsStateOk = true,
                IsLinkUp = pod == "r-3-1" ? isFollowed : view.IsLinkUp,
                MasterHost = pod == "r-3-1" && isFollowed ? IpOf(6) : view.MasterHost,
                Members =
                [
                    .. Enumerable
                        .Range(0, 8)
                        .Select(number =>
                            number < 6 ? LineOf(number, isSelf: view.Id == IdOf(number))
                            : isFollowed && number == 7 ? Line(IdOf(7), IpOf(7), view.Id == IdOf(7) ? "myself,slave" : "slave", IdOf(6))
                            : Line(IdOf(number), IpOf(number), view.Id == IdOf(number) ? "myself,master" : "master")
                        )
                        .OrderByDescending(member => member.IsSelf),
                ],
            };
        }

        return this;
    }

    /// <summary>The node in a pod is reset: it has another identity and knows nobody.</summary>
    public void Reset(string pod) =>
        Views[pod] = View(
            pod,
            new string((char)('a' + Pods[pod].Ordinal), 40),
            [Line(new string((char)('a' + Pods[pod].Ordinal), 40), Pods[pod].Ip!, "myself,master")]
        );

    /// <summary>The other nodes lose sight of a node, or forget it.</summary>
    public void Lose(string id, bool isForgotten)
    {
        foreach (var (pod, view) in Views.Where(view => view.Value.Id != id).ToList())
        {
            Views[pod] = view with
            {
                Members =
                [
                    .. view
                        .Members.Where(member => member.Id != id || !isForgotten)
                        .Select(member => member.Id == id ? member with { Flags = new HashSet<string>([.. member.Flags, "noaddr"]) } : member),
                ],
            };
        }
    }

    public void Fail(string pod, RedisReach reach, bool isLoading = false) =>
        Views[pod] = new NodeView
        {
            Pod = pod,
            Reach = reach,
            IsLoading = isLoading,
            Error = "away",
        };

    public void Kill(string pod)
    {
        Pods[pod] = Pods[pod] with { Ip = null, Process = null, Death = $"pod {pod} does not exist" };
        Views.Remove(pod);
    }

    public ClusterView ViewOf(RedisMemory memory) => new([.. Pods.Values], [.. Views.Values], memory);

    public RedisPlan Plan(RedisSpec? spec = null, RedisMemory? after = null, bool applies = true)
    {
        var memory = after ?? new RedisMemory();
        // What an earlier observation knew of the processes.
        foreach (var (number, pod) in Enumerable.Range(0, 6).Select(number => (number, $"r-{number % 3}-{number / 3}")))
            memory = memory with { Processes = memory.Processes.SetItem(IdOf(number), (pod, $"{pod}/1")) };
        return RedisPlan.Of(spec ?? Spec, ViewOf(memory), memory, RedisPlanTests.Now, applies);
    }

    private static string IpOf(int number) => string.Create(CultureInfo.InvariantCulture, $"10.0.0.{number + 1}");

    private static ClusterMember LineOf(int number, bool isSelf)
    {
        var self = isSelf ? "myself," : "";
        return number < 3
            ? Line(IdOf(number), IpOf(number), self + "master", null, number + 1, SlotRange.Of(number, 3))
            : Line(IdOf(number), IpOf(number), self + "slave", IdOf(number - 3), number - 2);
    }
}
