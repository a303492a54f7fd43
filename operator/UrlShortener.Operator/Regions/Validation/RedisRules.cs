using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Regions.Validation;

/// <summary>The rules of <c>spec.redis</c>.</summary>
internal static class RedisRules
{
    /// <summary>Longest cluster-node-timeout, in milliseconds, at which failovers were measured to stay below 5 seconds.</summary>
    private const int QuickNodeTimeoutMillis = 1_750;

    /// <summary>All problems.</summary>
    public static IEnumerable<SpecProblem> Check(RedisSpec? redis, RedisSpec? oldRedis) =>
        redis is null ? [] : StorageRules.Check("spec.redis.storage", redis.Storage, oldRedis?.Storage);

    /// <summary>What is allowed but hardly meant.</summary>
    public static IEnumerable<string> Warnings(RedisSpec? redis)
    {
        if (redis?.NodeTimeoutMillis > QuickNodeTimeoutMillis)
            yield return $"spec.redis.nodeTimeoutMillis is {redis.NodeTimeoutMillis}: above {QuickNodeTimeoutMillis} a failover may take longer than 5 seconds.";
    }
}
