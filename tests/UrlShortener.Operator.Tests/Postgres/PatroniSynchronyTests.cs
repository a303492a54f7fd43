using k8s.Models;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Postgres;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>Patroni's record of the synchronous replicas after somebody has edited it: what the operator tells, and when it resets the record.</summary>
public sealed class PatroniSynchronyTests
{
    private const string Replicas = "eu-postgres-1,eu-postgres-2";

    private static readonly DateTimeOffset Now = new(2030, 1, 31, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("eu-postgres-0", Replicas, null)]
    [InlineData("eu-postgres-0", " eu-postgres-1 , ,eu-postgres-2", null)]
    [InlineData("eu-postgres-0", null, null)]
    [InlineData(null, Replicas, "names no primary")]
    [InlineData("", Replicas, "names no primary")]
    [InlineData("eu-postgres-1", Replicas, "is of eu-postgres-1")]
    [InlineData("eu-postgres-0", "eu-postgres-0,eu-postgres-1", "has the primary among the replicas")]
    // Patroni ignores the case, and so keeps it.
    [InlineData("eu-postgres-0", "EU-postgres-0", "has the primary among the replicas")]
    [InlineData("eu-postgres-0", "eu-postgres-1,EU-postgres-2", "names EU-postgres-2, which is no member")]
    [InlineData("eu-postgres-0", "eu-postgres-1,eu-postgres-3", "names eu-postgres-3, which is no member")]
    public void Track_RecordThatContradictsThePrimary_IsTold(string? leader, string? replicas, string? text)
    {
        var (region, observed) = (Region(), Observe(leader, replicas));

        Assert.Equal(text, SynchronyContradiction.Track(region, observed, null, Now)?.Text);
        // Patroni itself empties the record.
        Assert.Null(SynchronyContradiction.Track(Region(Durability.Async), observed, null, Now));
        if (text is null)
            return;
        var condition = Synchrony(region, observed);
        Assert.Equal(("False", Reasons.SyncMismatch), (condition.Status, condition.Reason));
        Assert.Contains($"eu-postgres-sync, {text}.", condition.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Condition_ReplicasThatPatroniDoesNotKnow_AreNoneThatMayBePromoted()
    {
        Assert.Equal("True", Synchrony(Region(), Observe("eu-postgres-0", Replicas)).Status);
        foreach (var observed in new[] { Observe("eu-postgres-0", null), Observe("eu-postgres-0", null) with { Synchrony = null } })
            Assert.Equal(Reasons.SyncMismatch, Synchrony(Region(), observed).Reason);
    }

    // With loops of three seconds.
    [Fact]
    public void Plan_ContradictionThatPatroniDoesNotMend_ResetsTheRecord()
    {
        var observed = Observe("eu-postgres-1", Replicas, "7");
        var first = Plan(observed, PostgresMemory.None, 0);
        Assert.Null(first.Resets);
        Assert.Null(Plan(observed, first.Memory, 19).Resets);
        Assert.Equal(("7", "eu-postgres-0"), (Plan(observed, first.Memory, 20).Resets?.Version, Plan(observed, first.Memory, 20).Resets?.Primary));

        // Somebody writes it: the time begins anew.
        var written = Plan(Observe("eu-postgres-1", Replicas, "8"), first.Memory, 19);
        Assert.Null(Plan(Observe("eu-postgres-1", Replicas, "8"), written.Memory, 38).Resets);
        Assert.NotNull(Plan(Observe("eu-postgres-1", Replicas, "8"), written.Memory, 39).Resets);
        Assert.Null(Plan(Observe("eu-postgres-0", Replicas, "8"), written.Memory, 39).Resets);

        // As it moves the role of a dead primary.
        var suspended = Region();
        suspended.Spec = suspended.Spec with { Suspend = SuspendMode.Changes };
        Assert.NotNull(PostgresPlan.Of(suspended, observed, first.Memory, Now.AddSeconds(20)).Resets);

        // Nobody writes it during a pause, and without a primary there is none to reset it to.
        Assert.Null(Plan(Observe("eu-postgres-1", Replicas, "7", isPaused: true), first.Memory, 60).Resets);
        Assert.Null(Plan(observed with { Lock = null }, first.Memory, 60).Resets);
    }

    private static PostgresPlan Plan(ObservedPostgres observed, PostgresMemory memory, int seconds) =>
        PostgresPlan.Of(Region(), observed, memory, Now.AddSeconds(seconds));

    private static V1Condition Synchrony(V1Alpha1ShortenerRegion region, ObservedPostgres observed) =>
        PostgresStatusRules
            .Build(region, observed, PostgresPlan.Of(region, observed, PostgresMemory.None, Now), Now)
            .Conditions.Conditions.Single(condition => condition.Type == ConditionTypes.SyncReplicationHealthy);

    private static V1Alpha1ShortenerRegion Region(string durability = Durability.Sync) =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = "eu",
                NamespaceProperty = "shop",
                Uid = "u-1",
            },
            Spec = SpecJson.MinimalRegion() with
            {
                Connections = new ConnectionsSpec(),
                Postgres = new PostgresSpec { Image = "registry.example/postgres:17", Durability = durability },
            },
        };

    private static ObservedPostgres Observe(string? leader, string? replicas, string version = "7", bool isPaused = false)
    {
        var annotations = new Dictionary<string, string>();
        if (leader is not null)
            annotations["leader"] = leader;
        if (replicas is not null)
            annotations["sync_standby"] = replicas;
        return new ObservedPostgres
        {
            Lock = new PatroniLock("eu-postgres-0", Now, "1"),
            Members = new Dictionary<string, PatroniMember>
            {
                ["eu-postgres-0"] = new()
                {
                    State = "running",
                    Role = "primary",
                    Paused = isPaused,
                    Replication = [Replica("eu-postgres-1"), Replica("eu-postgres-2")],
                },
            },
            Synchrony = new V1ConfigMap
            {
                Metadata = new V1ObjectMeta
                {
                    Name = "eu-postgres-sync",
                    ResourceVersion = version,
                    Annotations = annotations,
                    Labels = PostgresNames.PatroniLabelsOf(Region()),
                },
            },
        };

        static PatroniReplica Replica(string name) =>
            new()
            {
                Name = name,
                State = "streaming",
                SyncState = "quorum",
            };
    }
}
