using k8s.Models;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Postgres;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>
/// Whom the operator asks Patroni to promote when Patroni elects nobody: eu-postgres-0 was the primary on timeline 9, eu-postgres-1 followed it on timeline 10 and
/// is lost, and eu-postgres-2 has followed that one. eu-postgres-0 is back, and its log is longer.
/// </summary>
public sealed class PatroniVoteTests
{
    private const string Former = "eu-postgres-0";
    private const string Lost = "eu-postgres-1";
    private const string Replica = "eu-postgres-2";

    private static readonly DateTimeOffset Now = new(2030, 1, 31, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    // Before and after the lost primary has recorded itself: the same members, and as many of them must agree.
    [InlineData(Former, Lost + "," + Replica)]
    [InlineData(Lost, Former + "," + Replica)]
    // It was alone with the replica.
    [InlineData(Lost, Replica, "0")]
    public void Count_ReplicaOnTheLastTimeline_IsPromoted(string leader, string replicas, string quorum = "1")
    {
        var vote = Count(Observe(leader, replicas, quorum));

        Assert.Equal((Replica, 10, "7"), (vote?.Candidate, vote?.Timeline, vote?.Record));
    }

    // Patroni refuses the lost primary itself, too, when it is back with a shorter log than the one before it.
    [Fact]
    public void Count_LastPrimary_IsPromoted() =>
        Assert.Equal(Lost, Count(Observe(Lost, Former + "," + Replica) with { Members = Members((0, 9, 300), (1, 10, 210)) })?.Candidate);

    [Theory]
    // Whoever has a write may be among those that do not answer.
    [InlineData(Former, Lost + "," + Replica, "2")]
    [InlineData(Lost, Former + ",eu-postgres-3," + Replica, "2")]
    // The same member twice is one.
    [InlineData(Lost, Replica + "," + Replica, "1")]
    // Only the lost primary has every write.
    [InlineData(Lost, null, "0")]
    // The replica was not one that writes waited for.
    [InlineData(Former, Lost, "0")]
    [InlineData(Lost, Former, "0")]
    // A record that Patroni does not write, or none.
    [InlineData(Lost, Former + "," + Lost + "," + Replica, "1")]
    [InlineData(Lost, Former + "," + Replica, "many")]
    [InlineData(Lost, Former + "," + Replica, null)]
    [InlineData(null, Former + "," + Replica, "1")]
    public void Count_RecordThatLeavesADoubt_PromotesNobody(string? leader, string? replicas, string? quorum) =>
        Assert.Null(Count(Observe(leader, replicas, quorum)));

    [Fact]
    public void Count_WithoutARecordOrALockOrAConfiguration_PromotesNobody()
    {
        Assert.Null(Count(Observe() with { Synchrony = null }));
        Assert.Null(Count(Observe() with { Lock = null }));
        Assert.Null(Count(Observe() with { Configuration = null }));
    }

    // Five members, two of which must have stored a write.
    [Theory]
    [InlineData(2, true, 0, 2, 3)]
    [InlineData(2, true, 0, 2, 4)]
    [InlineData(2, true, 2, 3, 4)]
    [InlineData(2, false, 0, 2)]
    [InlineData(3, true, 0, 2, 3, 4)]
    [InlineData(3, false, 0, 2, 3)]
    public void Count_OfFiveMembers_NeedsTheQuorumAndOneMore(int quorum, bool isPromoted, params int[] answering)
    {
        var members = answering.ToDictionary(
            ordinal => $"eu-postgres-{ordinal}",
            ordinal =>
                ordinal switch
                {
                    0 => Member(9, 300),
                    4 => Member(9, 250),
                    _ => Member(10, 200 + ordinal),
                }
        );
        var observed = Observe(Lost, "eu-postgres-0,eu-postgres-2,eu-postgres-3,eu-postgres-4", $"{quorum}") with { Members = members };

        Assert.Equal(isPromoted ? members.Where(one => one.Value.Timeline == 10).Max(one => one.Key) : null, Count(observed)?.Candidate);
    }

    [Fact]
    public void Count_MemberThatIsOnALaterTimelineOrFurther_IsNotPassedOver()
    {
        // One that writes did not wait for, but that has followed somebody.
        var members = Members((0, 9, 300), (2, 10, 200), (3, 11, 100));
        Assert.Null(Count(Observe() with { Members = members }));
        members["eu-postgres-3"] = Member(10, 201);
        Assert.Null(Count(Observe() with { Members = members }));
        members["eu-postgres-3"] = Member(10, 199);
        Assert.Equal(Replica, Count(Observe() with { Members = members })?.Candidate);
    }

    [Theory]
    [InlineData(10, 9, true)]
    [InlineData(9, 9, true)]
    [InlineData(null, null, true)]
    // What the lost primary told last, and Patroni's history of the timelines that have ended.
    [InlineData(11, 9, false)]
    [InlineData(10, 10, false)]
    public void Count_TimelineThatNobodyWhoAnswersHas_PromotesNobody(int? told, int? ended, bool isPromoted)
    {
        var observed = Observe() with { Pods = [Pod(Lost, told)], Configuration = Configuration(ended is null ? null : $"[[8,1,\"x\"],[{ended},2,\"x\"]]") };

        Assert.Equal(isPromoted, Count(observed) is not null);
    }

    [Theory]
    [InlineData("{\"timeline\": \"11\"}", "[11]")]
    [InlineData("11", "{}")]
    [InlineData("{", "[")]
    public void Count_TextThatIsNotPatronis_IsIgnored(string status, string history)
    {
        var pod = Pod(Lost, null);
        pod.Metadata.Annotations = new Dictionary<string, string> { ["status"] = status };

        Assert.NotNull(Count(Observe() with { Pods = [pod], Configuration = Configuration(history) }));
    }

    // Patroni elects these by itself, or will.
    [Fact]
    public void Count_MembersThatPatroniComparesRightly_PromotesNobody()
    {
        Assert.Null(Count(Observe() with { Members = Members((0, 10, 300), (2, 10, 200)) }));
        Assert.Null(Count(Observe() with { Members = Members((0, 9, 200), (2, 10, 200)) }));
        Assert.Null(Count(Observe() with { Members = new Dictionary<string, PatroniMember>() }));
    }

    public static TheoryData<string, object> Doubtful { get; } =
        new()
        {
            { "accepts writes", Member(10, 200) with { Role = "primary" } },
            { "receives changes", Member(10, 200) with { ReplicationState = "streaming" } },
            { "sees a lock", Member(10, 200) with { Unlocked = false } },
            { "agrees to a primary that does not reach the API server", Member(10, 200) with { InFailsafe = true } },
            { "elections are paused", Member(10, 200) with { Paused = true } },
            { "PostgreSQL starts", Member(10, 200) with { State = "starting" } },
            { "no timeline", Member(10, 200) with { Timeline = null } },
            { "no position", Member(10, 200) with { Position = null } },
        };

    [Theory]
    [MemberData(nameof(Doubtful))]
    public void Count_MemberOfWhichItIsNotClear_PromotesNobody(string why, object member)
    {
        foreach (var name in new[] { Former, Replica })
        {
            var members = Members((0, 9, 300), (2, 10, 200));
            members[name] = (PatroniMember)member;
            Assert.True(Count(Observe() with { Members = members }) is null, why);
        }
    }

    // With what it has only applied, such as a primary before.
    [Fact]
    public void Count_Position_IsTheLargerOne()
    {
        var members = Members((2, 10, 200));
        members[Former] = Member(9, 0) with
        {
            Position = new PatroniPosition { Received = 0, Replayed = 300 },
        };

        Assert.NotNull(Count(Observe() with { Members = members }));
    }

    [Fact]
    public void Count_RegionThatDoesNotWantIt_PromotesNobody()
    {
        Assert.Null(PatroniVote.Count(Region(new PostgresSpec { AssistedFailover = false }), Observe(), GroupPlace.Alone));
        Assert.Null(PatroniVote.Count(Region(new PostgresSpec { Durability = Durability.Async }), Observe(), GroupPlace.Alone));
        Assert.NotNull(PatroniVote.Count(Region(new PostgresSpec { Durability = Durability.Strict }), Observe(), GroupPlace.Alone));
        Assert.Null(PatroniVote.Count(Region(new PostgresSpec()), Observe(), GroupPlace.Alone with { Source = Region(new PostgresSpec()) }));
        var standby = Configuration(null);
        standby.Metadata.Annotations["config"] = """{ "standby_cluster": {} }""";
        Assert.Null(Count(Observe() with { Configuration = standby }));
    }

    // With loops of three seconds: a member that is only starting again gets the time to.
    [Fact]
    public void Plan_VotesThatStay_AskPatroni()
    {
        var memory = PostgresMemory.None with { Primary = Lost };
        var first = Plan(Observe(), memory, 0);
        Assert.Null(first.Promotes);
        Assert.Null(Plan(Observe(), first.Memory, 10).Promotes);
        Assert.Equal(Replica, Plan(Observe(), first.Memory, 11).Promotes?.Candidate);

        // Somebody had the lock for a moment, somebody answers again, or the record was written: the time begins anew.
        var locked = Observe() with
        {
            Members = Members((0, 9, 300), (2, 10, 200)).ToDictionary(one => one.Key, one => one.Value with { Unlocked = false }),
        };
        Assert.Null(Plan(Observe(), Plan(locked, first.Memory, 10).Memory, 11).Promotes);
        Assert.Null(Plan(Observe() with { Members = Members((0, 9, 300), (1, 10, 201), (2, 10, 200)) }, first.Memory, 11).Promotes);
        Assert.Null(Plan(Observe(version: "8"), first.Memory, 11).Promotes);

        // Not again at once.
        Assert.Null(Plan(Observe(), first.Memory with { VotedAt = Now.AddSeconds(11) }, 40).Promotes);
        Assert.NotNull(Plan(Observe(), first.Memory with { VotedAt = Now.AddSeconds(11) }, 41).Promotes);

        // As it moves the role of a dead primary.
        var suspended = Region(new PostgresSpec());
        suspended.Spec = suspended.Spec with { Suspend = SuspendMode.Changes };
        Assert.NotNull(PostgresPlan.Of(suspended, Observe(), first.Memory, Now.AddSeconds(11)).Promotes);
    }

    private static PostgresPlan Plan(ObservedPostgres observed, PostgresMemory memory, int seconds) =>
        PostgresPlan.Of(Region(new PostgresSpec()), observed, memory, Now.AddSeconds(seconds));

    private static PatroniVote? Count(ObservedPostgres observed) => PatroniVote.Count(Region(new PostgresSpec()), observed, GroupPlace.Alone);

    private static V1Alpha1ShortenerRegion Region(PostgresSpec postgres) =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = "eu",
                NamespaceProperty = "shop",
                Uid = "u-1",
            },
            Spec = SpecJson.MinimalRegion() with { Connections = new ConnectionsSpec(), Postgres = postgres with { Image = "registry.example/postgres:17" } },
        };

    private static ObservedPostgres Observe(string? leader = Lost, string? replicas = Former + "," + Replica, string? quorum = "1", string version = "7") =>
        new()
        {
            Lock = new PatroniLock(null, Now, "1"),
            Configuration = Configuration(null),
            Pods = [Pod(Former, 9), Pod(Lost, 10), Pod(Replica, 10)],
            Members = Members((0, 9, 300), (2, 10, 200)),
            Synchrony = new V1ConfigMap
            {
                Metadata = new V1ObjectMeta
                {
                    Name = "eu-postgres-sync",
                    ResourceVersion = version,
                    Annotations = new[] { ("leader", leader), ("sync_standby", replicas), ("quorum", quorum) }
                        .Where(one => one.Item2 is not null)
                        .ToDictionary(one => one.Item1, one => one.Item2!),
                },
            },
        };

    private static V1ConfigMap Configuration(string? history)
    {
        var annotations = new Dictionary<string, string> { ["config"] = "{}" };
        if (history is not null)
            annotations["history"] = history;
        return new V1ConfigMap
        {
            Metadata = new V1ObjectMeta { Name = "eu-postgres-config", Annotations = annotations },
        };
    }

    private static V1Pod Pod(string name, int? timeline) =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = name,
                Annotations = timeline is null ? null : new Dictionary<string, string> { ["status"] = $$"""{ "timeline": {{timeline}} }""" },
            },
        };

    private static Dictionary<string, PatroniMember> Members(params (int Ordinal, int Timeline, long Position)[] members) =>
        members.ToDictionary(one => $"eu-postgres-{one.Ordinal}", one => Member(one.Timeline, one.Position));

    private static PatroniMember Member(int timeline, long position) =>
        new()
        {
            State = "running",
            Role = "replica",
            Timeline = timeline,
            Unlocked = true,
            Position = new PatroniPosition { Received = position, Replayed = position },
        };
}
