using UrlShortener.ControllerRuntime.Events;

namespace UrlShortener.Operator.Redis;

/// <summary>What events say of the operator's steps. Pure.</summary>
internal static class RedisEvents
{
    /// <summary>The event of a step that succeeded; null: none, or a later one tells of it.</summary>
    public static (EventSeverity Severity, string Reason, string Note)? Tell(RedisAction action) =>
        action switch
        {
            RedisAction.AddSlots slots => (
                EventSeverity.Normal,
                "RedisSlotsAssigned",
                $"The node in pod {slots.Pod} owns {slots.Ranges.Sum(range => range.Count)} slots that had no owner."
            ),
            RedisAction.Meet meet => (EventSeverity.Normal, "RedisNodeMet", $"Told the cluster that node {meet.Id[..8]} is at {meet.Ip}."),
            RedisAction.Replicate replicate => (
                EventSeverity.Normal,
                "RedisReplicaAttached",
                $"The node in pod {replicate.Pod} replicates node {replicate.MasterId[..8]}."
            ),
            RedisAction.Failover { Kind: FailoverKind.Takeover } takeover => (
                EventSeverity.Warning,
                "RedisTakeover",
                $"The node in pod {takeover.Pod} takes over without a vote: {takeover.Why}. Too few masters were left for a vote."
            ),
            RedisAction.Forget forget => (
                EventSeverity.Normal,
                "RedisNodeForgotten",
                $"The cluster no longer has node {forget.Id[..8]}, whose data no pod has any more."
            ),
            RedisAction.Configure configure => (
                EventSeverity.Normal,
                "RedisConfigured",
                $"The node in pod {configure.Pod} has {string.Join(", ", configure.Settings.Select(setting => $"{setting.Key} {setting.Value}"))}."
            ),
            RedisAction.Retire retire => (
                EventSeverity.Normal,
                "RedisNodeRetired",
                $"The node in pod {retire.Pod} left the cluster: the specification no longer asks for it."
            ),
            RedisAction.Restart restart => (EventSeverity.Normal, "RedisPodReplaced", $"Pod {restart.Pod} is replaced by one of the current specification."),
            _ => null,
        };
}
