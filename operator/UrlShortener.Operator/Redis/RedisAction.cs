using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Redis.Cluster;

namespace UrlShortener.Operator.Redis;

/// <summary>A step that the operator takes at one node.</summary>
/// <param name="Pod">The pod whose node gets the command.</param>
internal abstract record RedisAction(string Pod)
{
    /// <summary>What the memory keeps of it, to limit how often it is done.</summary>
    public abstract string Act { get; }

    /// <summary>Introduces the node at an address to the cluster, or its new address if the node is known.</summary>
    internal sealed record Meet(string Pod, string Id, string Ip) : RedisAction(Pod)
    {
        /// <inheritdoc />
        public override string Act => $"meet/{Pod}/{Id}/{Ip}";
    }

    /// <summary>Gives slots without an owner to a master.</summary>
    internal sealed record AddSlots(string Pod, IReadOnlyList<SlotRange> Ranges, int? Epoch) : RedisAction(Pod)
    {
        /// <inheritdoc />
        public override string Act => $"slots/{Pod}";
    }

    /// <summary>Makes a node the replica of a master, or lets it connect to its master anew.</summary>
    internal sealed record Replicate(string Pod, string MasterId) : RedisAction(Pod)
    {
        /// <inheritdoc />
        public override string Act => $"replicate/{Pod}";
    }

    /// <summary>Lets a replica take over from its master.</summary>
    internal sealed record Failover(string Pod, FailoverKind Kind, FailoverCause Cause, int Shard, string FromId, string From, string Why) : RedisAction(Pod)
    {
        /// <inheritdoc />
        public override string Act =>
            Cause switch
            {
                // One for all shards.
                FailoverCause.Placement => "placement",
                FailoverCause.Update or FailoverCause.ScaleIn => $"update/{Shard}",
                _ => $"failover/{Shard}",
            };
    }

    /// <summary>Changes settings of a node that runs.</summary>
    internal sealed record Configure(string Pod, IReadOnlyDictionary<string, string> Settings) : RedisAction(Pod)
    {
        /// <inheritdoc />
        public override string Act => $"configure/{Pod}";
    }

    /// <summary>Replaces a pod that runs another specification than the current one.</summary>
    internal sealed record Restart(string Pod) : RedisAction(Pod)
    {
        /// <inheritdoc />
        public override string Act => $"restart/{Pod}";
    }

    /// <summary>Removes a member that is gone for good from the knowledge of a node.</summary>
    internal sealed record Forget(string Pod, string Id) : RedisAction(Pod)
    {
        /// <inheritdoc />
        public override string Act => $"forget/{Pod}/{Id}";
    }

    /// <summary>Moves slots with their keys from one master to another. Begins, or continues where another operator stopped.</summary>
    /// <param name="Pod">The pod of the master that gets them.</param>
    /// <param name="Ip">Its address.</param>
    /// <param name="Id">Its identity.</param>
    /// <param name="SourcePod">The pod of the master that has them.</param>
    /// <param name="SourceId">Its identity.</param>
    /// <param name="Others">Pods of all other masters.</param>
    /// <param name="Slots">The slots.</param>
    /// <param name="IsResumed">Whether the move has begun: keys that the new master has already are valid.</param>
    internal sealed record MoveSlots(
        string Pod,
        string Ip,
        string Id,
        string SourcePod,
        string SourceId,
        IReadOnlyList<string> Others,
        IReadOnlyList<int> Slots,
        bool IsResumed
    ) : RedisAction(Pod)
    {
        /// <inheritdoc />
        public override string Act => "move";
    }

    /// <summary>Ends the move of a slot at a node that has no part in it any more.</summary>
    /// <param name="Pod">The pod.</param>
    /// <param name="Slot">The slot.</param>
    /// <param name="OwnerId">The owner of the slot, which the node does not know yet; null: the node only ends the move.</param>
    internal sealed record CloseSlot(string Pod, int Slot, string? OwnerId) : RedisAction(Pod)
    {
        /// <inheritdoc />
        public override string Act => $"close/{Pod}/{Slot}";
    }

    /// <summary>Makes a node that is no longer asked for, and that owns nothing, one that knows no cluster and has no data.</summary>
    internal sealed record Retire(string Pod, string Process) : RedisAction(Pod)
    {
        /// <inheritdoc />
        public override string Act => $"retire/{Pod}";
    }
}
