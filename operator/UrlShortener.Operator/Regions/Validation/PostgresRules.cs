using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Regions.Validation;

/// <summary>The rules of <c>spec.postgres</c>.</summary>
internal static class PostgresRules
{
    /// <summary>Longest time, in seconds, that <c>ttl</c> and <c>loopWait</c> may take together: what is left of 30 after the election itself.</summary>
    private const int MaxLockSeconds = 26;

    private static readonly string[] PatroniParameters =
        ["listen_addresses", "port", "cluster_name", "hot_standby", "synchronous_standby_names", "primary_conninfo", "primary_slot_name", "wal_log_hints"];

    /// <summary>All problems.</summary>
    public static IEnumerable<SpecProblem> Check(PostgresSpec? postgres, PostgresSpec? oldPostgres)
    {
        if (postgres is null)
            return [];
        return
        [
            .. CheckInstances(postgres),
            .. CheckPatroni(postgres.Patroni),
            .. CheckParameters(postgres.Parameters),
            .. StorageRules.Check("spec.postgres.storage", postgres.Storage, oldPostgres?.Storage),
            .. StorageRules.CheckGrowth("spec.postgres.storage.walSize", postgres.Storage.WalSize, oldPostgres?.Storage.WalSize),
        ];
    }

    /// <summary>What is allowed but hardly meant.</summary>
    public static IEnumerable<string> Warnings(PostgresSpec? postgres)
    {
        if (postgres is null)
            yield break;
        if (postgres.Durability == PostgresDurability.Async)
            yield return "spec.postgres.durability is Async: the last acknowledged links are lost with the primary.";
        if (postgres.Patroni.PrimaryStartTimeout == 0)
            yield return "spec.postgres.patroni.primaryStartTimeout is 0: a primary that has no standby does a slow recovery of its own. Use 10.";
    }

    private static IEnumerable<SpecProblem> CheckInstances(PostgresSpec postgres)
    {
        if (postgres.Durability != PostgresDurability.Async && postgres.Instances < 3)
            yield return new("spec.postgres.instances", $"is {postgres.Instances}; durability {postgres.Durability} needs 3 or more. Raise it, or accept losses with durability Async.");
        if (postgres.SyncNodeCount >= postgres.Instances)
            yield return new("spec.postgres.syncNodeCount", $"is {postgres.SyncNodeCount}; it must be below spec.postgres.instances ({postgres.Instances}), which counts the primary.");
    }

    private static IEnumerable<SpecProblem> CheckPatroni(PatroniSpec patroni)
    {
        var needed = patroni.LoopWait + (2 * patroni.RetryTimeout);
        if (needed > patroni.Ttl)
            yield return new("spec.postgres.patroni.ttl", $"is {patroni.Ttl}; loopWait + 2 * retryTimeout ({patroni.LoopWait} + 2 * {patroni.RetryTimeout} = {needed}) must be at most ttl, or a leader loses its lock while it still tries to renew it.");
        if (patroni.Ttl + patroni.LoopWait > MaxLockSeconds)
            yield return new("spec.postgres.patroni.ttl", $"is {patroni.Ttl}; ttl + loopWait ({patroni.Ttl} + {patroni.LoopWait}) must be at most {MaxLockSeconds}, or a failover may take longer than 30 seconds.");
    }

    private static IEnumerable<SpecProblem> CheckParameters(IReadOnlyDictionary<string, string> parameters) =>
        PatroniParameters.Where(parameters.ContainsKey).Select(name => new SpecProblem("spec.postgres.parameters", $"has {name}, which Patroni sets itself. Remove it."));
}
