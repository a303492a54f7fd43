using System.Globalization;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Redis;
using UrlShortener.Operator.Redis.Cluster;
using UrlShortener.Operator.Redis.Protocol;

namespace UrlShortener.Operator.Tests.Redis;

/// <summary>
/// A cluster in memory that obeys the rules of Redis 7 for the move of slots: who may be told what, which claim counts, what a failover keeps. Two nodes a shard;
/// each shard's replica has its master's data and none of its marks.
/// </summary>
internal sealed class ModelCluster
{
    private const string Password = "secret";

    private static readonly string[] Ids = [.. Enumerable.Range(0, 32).Select(number => new string((char)('a' + number), 40))];

    private readonly List<Node> _nodes = [];
    private int? _commandsLeft;

    // Since the last check more has happened than a command.
    private bool _areAllUnchecked = true;

    // Keys must be reachable at every moment, but for those of slots that were being moved, between a failover and the next step of the move.
    private readonly HashSet<int> _unsettled = [];

    // Slots that not all nodes assign to the same node.
    private readonly HashSet<int> _claimed = [];

    /// <param name="from">Number of shards before a change.</param>
    /// <param name="to">Number of shards that are asked for.</param>
    /// <param name="remaining">Number of slots at the end of each shard's share that have not moved yet; null: none has moved.</param>
    public ModelCluster(int from, int to, int? remaining = null)
    {
        for (var shard = 0; shard < Math.Max(from, to); shard++)
        {
            var (master, replica) = (new Node(shard, 0), new Node(shard, 1) { MasterOf = IdOf(shard, 0) });
            master.Epoch = shard < from ? shard + 1 : 0;
            _nodes.AddRange([master, replica]);
        }

        var (former, next) = (ShardsOf(from), ShardsOf(to));
        for (var slot = 0; slot < SlotRange.Slots; slot++)
        {
            var (before, after) = (former[slot], next[slot]);
            var isMoved = remaining is { } some && SlotRange.Of(before, from).Last - slot >= some && SlotRange.Of(after, to).Last - slot >= some;
            foreach (var node in _nodes)
                node.Owners[slot] = IdOf(isMoved ? after : before, 0);
        }
    }

    /// <summary>What must never happen and did.</summary>
    public List<string> Faults { get; } = [];

    /// <summary>Keys that were written, by slot.</summary>
    public Dictionary<int, HashSet<string>> Written { get; } = [];

    /// <summary>Writes a key at the owner of a slot.</summary>
    public void Write(int slot, string key)
    {
        (Written.TryGetValue(slot, out var keys) ? keys : Written[slot] = []).Add(key);
        OwnerOf(slot).KeysOf(slot).Add(key);
    }

    /// <summary>The state as the operator sees it.</summary>
    public ClusterView View(RedisSpec spec)
    {
        var slots = _nodes.ToDictionary(node => node, IReadOnlyList<SlotRange> (node) => node.MasterOf is null ? RangesOf(node) : []);
        return new(
            [
                .. _nodes.Select(node => new RedisPod
                {
                    Name = node.Pod,
                    Shard = node.Shard,
                    Ordinal = node.Ordinal,
                    Ip = node.Pod,
                    Process = node.Pod,
                    IsLeaving = node.Shard >= spec.Shards,
                    Domain = $"{node.Shard}",
                }),
            ],
            [.. _nodes.Select(node => Describe(node, slots))],
            new RedisMemory()
        );
    }

    /// <summary>Lets the operator work until it has nothing to do, or dies after a number of commands.</summary>
    public async Task RunAsync(RedisSpec spec, int? commands = null)
    {
        _commandsLeft = commands;
        try
        {
            for (var round = 0; round < 10_000; round++)
            {
                Gossip();
                var view = View(spec);
                var none = new HashSet<int>();
                if ((SlotPlan.FindOpen(view, none) ?? SlotPlan.FindMove(spec, view, none)) is not { } action)
                    return;
                if (action is RedisAction.MoveSlots move)
                {
                    if ((await new SlotMover(SendAsync, () => false).MoveAsync(move, Password)).Error is { } error)
                        Faults.Add(error);
                }
                else
                {
                    foreach (var command in RedisActuator.CommandsOf(action))
                        await SendAsync(action.Pod, TimeSpan.Zero, [command]);
                }
            }

            Faults.Add("it does not end");
        }
        catch (OperationCanceledException)
        {
            // The operator died.
        }
    }

    /// <summary>
    /// The replica of a shard takes over: it has the keys, and does not know of any move. It has heard of all claims: masters deny their vote to a replica that
    /// claims a slot for which they know an owner with a newer epoch (clusterSendFailoverAuthIfNeeded of Redis 7.0).
    /// </summary>
    public void FailOver(int shard)
    {
        Gossip();
        _unsettled.UnionWith(_nodes.SelectMany(node => node.Migrating.Keys.Concat(node.Importing.Keys)));
        var former = _nodes.Single(node => node.Shard == shard && node.MasterOf is null);
        var heir = _nodes.Single(node => node.Shard == shard && node.MasterOf is not null);
        heir.Take(former, _nodes.Max(node => node.Epoch) + 1);
        _claimed.UnionWith(Enumerable.Range(0, SlotRange.Slots).Where(slot => heir.Owners[slot] == heir.Id));
        Gossip();
    }

    /// <summary>Checks that every slot has one owner with all its keys, that shards have their share, and that no move is open.</summary>
    public IEnumerable<string> FindProblems(RedisSpec spec)
    {
        foreach (var fault in Faults.Distinct())
            yield return fault;
        foreach (var node in _nodes.Where(node => node.Migrating.Count + node.Importing.Count > 0))
            yield return $"{node.Pod} has open slots";
        var counts = Enumerable.Range(0, SlotRange.Slots).CountBy(slot => OwnerOf(slot).Shard).ToDictionary();
        foreach (var shard in _nodes.Select(node => node.Shard).Distinct())
        {
            var count = counts.GetValueOrDefault(shard);
            if (count != (shard < spec.Shards ? SlotRange.Of(shard, spec.Shards).Count : 0))
                yield return $"shard {shard} has {count} slots";
        }

        foreach (var (slot, keys) in Written)
        {
            foreach (var node in _nodes.Where(node => node.MasterOf is null))
            {
                if (!node.KeysOf(slot).SetEquals(node == OwnerOf(slot) ? keys : []))
                    yield return $"{node.Pod} has {node.KeysOf(slot).Count} of {keys.Count} keys of slot {slot}";
            }
        }
    }

    private static List<SlotRange> RangesOf(Node node)
    {
        var ranges = new List<SlotRange>();
        for (var slot = 0; slot < SlotRange.Slots; slot++)
        {
            if (node.Owners[slot] != node.Id)
                continue;
            var first = slot;
            while (slot + 1 < SlotRange.Slots && node.Owners[slot + 1] == node.Id)
                slot++;
            ranges.Add(new SlotRange(first, slot));
        }

        return ranges;
    }

    // By slot.
    private static int[] ShardsOf(int shards) =>
        [.. Enumerable.Range(0, shards).SelectMany(shard => Enumerable.Repeat(shard, SlotRange.Of(shard, shards).Count))];

    private static string IdOf(int shard, int ordinal) => Ids[(ordinal * 16) + shard];

    private Node OwnerOf(int slot) => _nodes.Where(node => node.MasterOf is null && node.Owners[slot] == node.Id).MaxBy(node => node.Epoch)!;

    private NodeView Describe(Node node, Dictionary<Node, IReadOnlyList<SlotRange>> slots) =>
        new()
        {
            Pod = node.Pod,
            Reach = RedisReach.Answered,
            IsStateOk = true,
            IsLinkUp = node.MasterOf is not null,
            Members =
            [
                .. _nodes.Select(other => new ClusterMember
                {
                    Id = other.Id,
                    Ip = other.Pod,
                    Epoch = other.Epoch,
                    IsLinked = true,
                    MasterId = other.MasterOf,
                    Flags = new HashSet<string>([other.MasterOf is null ? "master" : "slave", .. other == node ? (string[])["myself"] : []]),
                    Slots = slots[other],
                    Migrating = new Dictionary<int, string>(other == node ? other.Migrating : []),
                    Importing = new Dictionary<int, string>(other == node ? other.Importing : []),
                }),
            ],
        };

    // Everybody hears of all claims. Whoever loses a slot drops its keys.
    private void Gossip()
    {
        _areAllUnchecked = true;
        foreach (var slot in _claimed)
        {
            var owner = OwnerOf(slot).Id;
            foreach (var node in _nodes.Where(node => node.Owners[slot] != owner && !node.Importing.ContainsKey(slot)))
            {
                if (node.Owners[slot] == node.Id)
                    node.Keys.Remove(slot);
                node.Owners[slot] = owner;
            }
        }

        _claimed.RemoveWhere(slot => _nodes.All(node => node.Owners[slot] == _nodes[0].Owners[slot]));
    }

    private Task<IReadOnlyList<RedisOutcome>> SendAsync(string pod, TimeSpan limit, IReadOnlyList<IReadOnlyList<string>> commands)
    {
        var outcomes = new List<RedisOutcome>();
        foreach (var command in commands)
        {
            if (_commandsLeft-- == 0)
                throw new OperationCanceledException();
            var slots = TouchedBy(command);
            outcomes.Add(RedisOutcome.Of(Execute(_nodes.First(node => node.Pod == pod), command)));
            Check(_areAllUnchecked ? Written.Keys : slots);
            _areAllUnchecked = false;
        }

        return Task.FromResult<IReadOnlyList<RedisOutcome>>(outcomes);
    }

    private RespReply Execute(Node node, IReadOnlyList<string> command)
    {
        var slot = command[0] == "CLUSTER" ? int.Parse(command[2], CultureInfo.InvariantCulture) : 0;
        switch (command[0] == "CLUSTER" ? command[1] : command[0])
        {
            case "GETKEYSINSLOT":
                return new RespReply(
                    RespKind.List,
                    "",
                    [.. node.KeysOf(slot).Take(int.Parse(command[3], CultureInfo.InvariantCulture)).Select(key => RespReply.Of(RespKind.Text, key))]
                );
            case "COUNTKEYSINSLOT":
                return RespReply.Of(RespKind.Integer, node.KeysOf(slot).Count.ToString(CultureInfo.InvariantCulture));
            case "MEMORY":
                // Two keys a batch.
                return RespReply.Of(RespKind.Integer, "524288");
            case "MIGRATE":
                foreach (var key in command.SkipWhile(word => word != "KEYS").Skip(1))
                {
                    var from = node.Keys.First(keys => keys.Value.Contains(key)).Key;
                    _nodes.Single(other => other.Pod == command[1]).KeysOf(from).Add(key);
                    node.KeysOf(from).Remove(key);
                }

                return RespReply.Of(RespKind.Text, "OK");
            case "SETSLOT":
                var error = SetSlot(node, slot, command[3], command.ElementAtOrDefault(4));
                return RespReply.Of(error is null ? RespKind.Text : RespKind.Error, error ?? "OK");
            default:
                Faults.Add($"unexpected {command[0]}");
                return RespReply.Of(RespKind.Error, "ERR");
        }
    }

    // clusterCommandSetSlot of Redis 7.0.
    private string? SetSlot(Node node, int slot, string what, string? id)
    {
        if (node.MasterOf is not null)
            return "ERR You can use SETSLOT only with masters.";
        if (id is not null && _nodes.Single(other => other.Id == id).MasterOf is not null)
            return "ERR Target node is not a master";
        switch (what)
        {
            case "MIGRATING" when node.Owners[slot] != node.Id:
                return "ERR I'm not the owner of hash slot";
            case "MIGRATING":
                node.Migrating[slot] = id!;
                _unsettled.Remove(slot);
                return null;
            case "IMPORTING" when node.Owners[slot] == node.Id:
                return "ERR I'm already the owner of hash slot";
            case "IMPORTING":
                node.Importing[slot] = id!;
                return null;
            case "STABLE":
                node.Migrating.Remove(slot);
                node.Importing.Remove(slot);
                return null;
        }

        if (node.Owners[slot] == node.Id && id != node.Id && node.KeysOf(slot).Count > 0)
            return "ERR Can't assign hashslot to a different node while I still hold keys";
        if (node.KeysOf(slot).Count == 0)
            node.Migrating.Remove(slot);
        if (id == node.Id && node.Importing.Remove(slot))
        {
            var newest = _nodes.Max(other => other.Epoch);
            if (node.Epoch == 0 || node.Epoch != newest)
                node.Epoch = newest + 1;
        }

        node.Owners[slot] = id!;
        _claimed.Add(slot);
        return null;
    }

    // Slots for which a command may change something, of those with keys.
    private IReadOnlyCollection<int> TouchedBy(IReadOnlyList<string> command) =>
        command[0] switch
        {
            "CLUSTER" when command[1] == "SETSLOT" => int.Parse(command[2], CultureInfo.InvariantCulture) is var slot && Written.ContainsKey(slot)
                ? [slot]
                : [],
            "MIGRATE" => [.. Written.Where(slot => command.Any(slot.Value.Contains)).Select(slot => slot.Key)],
            _ => [],
        };

    private void Check(IReadOnlyCollection<int> slots)
    {
        if (slots.Count == 0)
            return;
        var masters = _nodes.Where(node => node.MasterOf is null).ToList();
        foreach (var slot in slots)
        {
            var claims = masters.Where(node => node.Owners[slot] == node.Id).ToList();
            if (claims.Count == 0 || claims.Select(node => node.Epoch).Distinct().Count() < claims.Count)
                Faults.Add($"slot {slot} has {claims.Count} owners with one epoch");
            if (_unsettled.Contains(slot))
                continue;
            // What a client finds that follows redirections from any claimant.
            foreach (var node in claims)
            {
                var next = node.Migrating.TryGetValue(slot, out var id) ? _nodes.Single(other => other.Id == id).KeysOf(slot) : [];
                if (!Written[slot].All(key => node.KeysOf(slot).Contains(key) || next.Contains(key)))
                    Faults.Add($"a key of slot {slot} is out of reach");
            }
        }
    }

    private sealed class Node(int shard, int ordinal)
    {
        public int Shard => shard;

        public int Ordinal => ordinal;

        public string Pod { get; } = string.Create(CultureInfo.InvariantCulture, $"r-{shard}-{ordinal}");

        public string Id { get; } = IdOf(shard, ordinal);

        public string? MasterOf { get; set; }

        public long Epoch { get; set; }

        public string?[] Owners { get; } = new string?[SlotRange.Slots];

        public Dictionary<int, string> Migrating { get; } = [];

        public Dictionary<int, string> Importing { get; } = [];

        public Dictionary<int, HashSet<string>> Keys { get; private set; } = [];

        public HashSet<string> KeysOf(int slot) => Keys.TryGetValue(slot, out var keys) ? keys : Keys[slot] = [];

        public void Take(Node former, long epoch)
        {
            (Keys, former.Keys) = (former.Keys, []);
            former.Owners.CopyTo(Owners, 0);
            for (var slot = 0; slot < Owners.Length; slot++)
                Owners[slot] = Owners[slot] == former.Id ? Id : Owners[slot];
            (MasterOf, former.MasterOf, Epoch) = (null, Id, epoch);
            // A node that becomes a replica ends all moves.
            former.Migrating.Clear();
            former.Importing.Clear();
            for (var slot = 0; slot < Owners.Length; slot++)
                former.Owners[slot] = Owners[slot];
        }
    }
}
