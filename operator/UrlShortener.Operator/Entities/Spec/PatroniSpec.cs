using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>Timing of the election within a region (Patroni's dynamic configuration).</summary>
[Rule("self.loopWait + 2 * self.retryTimeout <= self.ttl", "loopWait + 2 * retryTimeout must be at most ttl")]
[Rule("self.ttl + self.loopWait <= 26", "ttl + loopWait must be at most 26, so that a failover without the operator takes less than 30 s")]
internal sealed record PatroniSpec
{
    /// <summary>Seconds for which the leader holds its lock.</summary>
    [Description("Seconds for which the primary holds its lock. If it does not renew the lock in time, another member takes over.")]
    [Range(20, 24)]
    public int Ttl { get; init; } = 20;

    /// <summary>Seconds between two looks of a member.</summary>
    [Description("Seconds between two checks of each member.")]
    [Range(2, 6)]
    public int LoopWait { get; init; } = 3;

    /// <summary>Seconds for retries against the API server and PostgreSQL.</summary>
    [Description("Seconds for which a member retries requests to the API server and to PostgreSQL. After that a primary gives up its role.")]
    [Range(3, 10)]
    public int RetryTimeout { get; init; } = 5;

    /// <summary>Seconds for a primary's start before another member takes over.</summary>
    [Description("Seconds that a primary may take to start again after a crash before another member takes over.")]
    [Range(1, 60)]
    public int PrimaryStartTimeout { get; init; } = 10;
}
