using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>Time limits of Patroni, in seconds.</summary>
[Rule("self.loopWait + 2 * self.retryTimeout <= self.ttl", "loopWait + 2 * retryTimeout must be at most ttl, or a leader loses its lock while it still tries to renew it (Patroni before 3.2 does not check this)")]
[Rule("self.ttl + self.loopWait <= 26", "ttl + loopWait must be at most 26, or a failover may take longer than 30 seconds")]
internal sealed record PatroniSpec
{
    /// <summary>How long the leader's lock holds without a renewal.</summary>
    [Description("Seconds that the lock of the leader holds without a renewal. At least loopWait + 2 * retryTimeout, at most 26 - loopWait. Patroni 3.2 and newer raise it to 20.")]
    [Range(10, 300)]
    public int Ttl { get; init; } = 20;

    /// <summary>Time between two looks.</summary>
    [Description("Seconds between two looks at the state of the cluster.")]
    [Range(1, 10)]
    public int LoopWait { get; init; } = 3;

    /// <summary>Time that failed calls are tried again.</summary>
    [Description("Seconds for which a failed call of the Kubernetes API or of PostgreSQL is tried again. A leader that cannot renew its lock for so long gives up.")]
    [Range(3, 300)]
    public int RetryTimeout { get; init; } = 5;

    /// <summary>Time that a crashed primary has to start again.</summary>
    [Description("Seconds that a crashed primary has to start again before a standby takes over. 0: none.")]
    [Range(0, 60)]
    public int PrimaryStartTimeout { get; init; } = 10;
}
