using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using k8s.Models;
using UrlShortener.Operator.Failover;
using Xunit;

namespace UrlShortener.Operator.Tests.Failover;

/// <summary>
/// Explores what operators, guards and voters can do to each other (<see cref="World"/>). FAILOVER_SEEDS=1000000 explores as many orders of events as it says;
/// the suite explores a thousand.
/// </summary>
public sealed class AgreementTests
{
    private const int Length = 400;
    private const int Find = 20_000;

    private static readonly int Seeds = int.TryParse(Environment.GetEnvironmentVariable("FAILOVER_SEEDS"), out var seeds) ? seeds : 1000;

    [Theory]
    [InlineData(false)]
    // Two regions, and a witness that joins and leaves the votes all the time.
    [InlineData(true)]
    public void RandomOrders_NeverLetTwoRegionsWrite_AndEndWithOneThatDoes(bool hasWitness)
    {
        var rules = new Rules { HasWitness = hasWitness };
        var (moved, joined) = (0, 0);
        for (var seed = 0; seed < Seeds; seed++)
        {
            var (world, last) = Run(rules, seed);
            Assert.True(world.Violation is null, $"Seed {seed}, event {last}: {world.Violation}");
            world.Heal();
            Assert.True(world.Violation is null, $"Seed {seed}, healed: {world.Violation}");
            Assert.True(world.Writers.Count() == 1, $"Seed {seed}, healed: {world.Writers.Count()} regions write; {world.Latest}");
            moved += world.Latest.Epoch > 1 ? 1 : 0;
            joined += world.HasJoined ? 1 : 0;
        }

        // Otherwise nothing was explored.
        Assert.True(moved > Seeds / 4, $"The role moved in {moved} of {Seeds} orders.");
        Assert.True(!hasWitness || joined > Seeds / 4, $"The witness had a part in {joined} of {Seeds} orders.");
        TestContext.Current.TestOutputHelper?.WriteLine($"The role moved in {moved} orders, the witness had a part in {joined}.");
    }

    [Theory]
    [MemberData(nameof(Broken))]
    public void BrokenRule_IsFound(string rule)
    {
        var found = Enumerable
            .Range(FirstSeeds.GetValueOrDefault(rule), Find)
            .FirstOrDefault(seed => Run(BrokenRules[rule], seed).World.Violation is not null, -1);
        Assert.True(found >= 0, "No order of events showed it.");
        TestContext.Current.TestOutputHelper?.WriteLine($"Seed {found}");
    }

    public static TheoryData<string> Broken() => [.. BrokenRules.Keys];

    // Where to begin, for those that few orders show. Any change of the world may need other ones.
    private static readonly Dictionary<string, int> FirstSeeds = new()
    {
        ["a lease counts from the end of the reading"] = 1700,
        ["clocks that differ more than the margin"] = 3700,
        ["no margin for clocks"] = 19_400,
        ["a lease by one voter"] = 11_800,
        ["a witness that lost its record votes at once"] = 700,
        ["a lease by the witness alone"] = 1140,
    };

    private static readonly Dictionary<string, Rules> BrokenRules = new()
    {
        ["a voter promises lower attempts too"] = new Rules { Promise = (voter, ballot) => voter with { Promised = ballot } },
        ["a voter accepts lower attempts too"] = new Rules { Accept = (_, ballot, value) => new VoterRecord(ballot, ballot, value) },
        ["the latest record is not taken into account"] = new Rules { Change = (_, _, next) => next },
        ["one promise is enough"] = new Rules
        {
            IsPrepared = round => round.Promises.Count > 0,
            Propose = (round, change) => round with { Proposed = change(round.Latest) ?? round.Latest },
        },
        ["one acceptance is enough"] = new Rules { IsChosen = round => round.AcceptedBy.Count > 0 },
        ["a lease counts from the end of the reading"] = new Rules { Renew = (lease, region, _, ended, reads) => lease.Renew(region, ended, reads) },
        ["a lease by one voter"] = new Rules
        {
            Renew = (lease, region, began, _, reads) =>
                lease.Renew(
                    region,
                    began,
                    reads
                        .Take(1)
                        .SelectMany(read => read.Value.Value!.Voters.All.Select(name => (Name: name, read.Value)))
                        .ToDictionary(read => read.Name, read => read.Value)
                ),
        },
        ["no wait for the end of the lease"] = new Rules { Decide = view => FailoverDecision.Of(view with { RecordSeen = TimeSpan.Zero }) },
        ["no margin for clocks"] = new Rules { Decide = view => FailoverDecision.Of(view with { RecordSeen = view.RecordSeen - WriteLease.Margin }) },
        ["clocks that differ more than the margin"] = new Rules { Drift = 0.3 },
        ["a voter that lost its record votes at once"] = new Rules { Lost = VoterRecord.Empty },
        ["a witness that lost its record votes at once"] = new Rules { HasWitness = true, Lost = VoterRecord.Empty },
        ["a lease by the witness alone"] = new Rules
        {
            HasWitness = true,
            // Of one region. With all that need it, nobody would write while it is behind.
            Renew = (lease, region, began, _, reads) =>
                lease.Renew(
                    region,
                    began,
                    region == "a" && reads.GetValueOrDefault(Witness.VoterOf("m")) is { Value: { } value } witness
                        ? value.Voters.All.ToDictionary(name => name, _ => witness)
                        : reads
                ),
        },
    };

    // Why a voter that lost its record waits: an attempt under way may count on a promise that it has forgotten.
    [Fact]
    public void LostRecord_ReturnedAtOnce_WouldLetADecisionBeForgotten()
    {
        var first = new TopologyRecord
        {
            Epoch = 1,
            Phase = TopologyPhase.Stable,
            Region = "a",
            Voters = Voters.Of(["a", "b", "c"]),
        };
        var ballot = new Ballot(1, "first");
        var voters = first.Voters.All.ToDictionary(name => name, _ => new VoterRecord(ballot, ballot, first));
        AgreementRound Promise(AgreementRound round, string name) =>
            round.WithPromise(name, voters[name] = voters[name].Promise(round.Ballot) ?? throw new InvalidOperationException($"{name} refused."));
        AgreementRound Accept(AgreementRound round, string name)
        {
            voters[name] = voters[name].Accept(round.Ballot, round.Proposed!) ?? throw new InvalidOperationException($"{name} refused.");
            return round.WithAcceptance(name);
        }

        // A late attempt has the promise of a, which then loses its record and is given what the others know.
        var late = AgreementRound.Start(new Ballot(10, "late"), first.Voters);
        late = Promise(late, "a");
        voters.Remove("a");
        Assert.Null(LostVoters.Return(voters, "a", LostVoters.ReturnTime - TimeSpan.FromSeconds(1)));
        Assert.True(LostVoters.ReturnTime > AgreementRound.Life);
        voters["a"] = LostVoters.Return(voters, "a", LostVoters.ReturnTime)!;

        // At once it would promise again what it has promised to refuse, and the late attempt knows nothing of it.
        var between = AgreementRound.Start(new Ballot(7, "between"), first.Voters);
        between = Promise(Promise(between, "a"), "c").Propose(latest => latest! with { Epoch = 3 });
        between = Accept(Accept(between, "a"), "c");
        late = Promise(late, "b").Propose(latest => latest! with { Epoch = 2 });
        late = Accept(Accept(late, "b"), "c");
        Assert.True(between.IsChosen);
        Assert.True(late.IsChosen);
        Assert.True(late.Proposed!.Epoch < between.Proposed!.Epoch);
    }

    private static readonly TopologyRecord OfThree = new()
    {
        Epoch = 4,
        Phase = TopologyPhase.Stable,
        Region = "a",
        Voters = Voters.Of(["a", "b", "c"]),
    };

    // Somebody has written into the vote of c, which is the only one that he can write.
    [Theory]
    [InlineData("a,b,c")]
    [InlineData("c")]
    [InlineData("witness.c")]
    public void ForgedVote_BesideOthersThatAgree_IsNotTakenOver(string voters)
    {
        var round = Promised(Forged(voters), ("a", 7, OfThree), ("b", 7, OfThree));
        Assert.Equal(OfThree, round.Latest);
        Assert.True(round.IsPrepared);
        Assert.Equal(OfThree, round.Propose(_ => null).Proposed);
    }

    // A record that names one vote is not even taken over while others do not agree.
    [Fact]
    public void ForgedVote_ThatNamesItself_IsNotTakenOverWhateverTheOthersHold()
    {
        var next = OfThree with { Epoch = 5 };
        Assert.Equal(next, Promised(Forged("c"), ("a", 8, next), ("b", 7, OfThree)).Latest);
        var one = Promised(Forged("c"), ("a", 7, OfThree));
        Assert.Equal(OfThree, one.Latest);
        // As if it had told nothing: the promises are not enough for what it said, and are for what a says.
        Assert.True(one.IsPrepared);
        // What no others contradict may be true: it is all that is left of a group.
        Assert.Equal(Forged("c"), Promised(Forged("c")).Latest);
    }

    // So that the next attempt writes over what somebody has written, also under the ballot of the others.
    [Fact]
    public void Record_ThatAnotherVoterDoesNotHold_IsNotHeldByAll()
    {
        var ballot = new Ballot(7, "x");
        var chosen = new ChosenRecord(ballot, OfThree);
        Dictionary<string, VoterRecord> Reads(Ballot other, TopologyRecord value) =>
            new() { ["a"] = new VoterRecord(new Ballot(9, "y"), ballot, OfThree), ["c"] = new VoterRecord(other, other, value) };

        Assert.True(chosen.IsHeldByAll(Reads(ballot, OfThree)));
        Assert.False(chosen.IsHeldByAll(Reads(new Ballot(8, "x"), OfThree)));
        Assert.False(chosen.IsHeldByAll(Reads(ballot, OfThree with { Epoch = 99 })));
    }

    // What a quorum may have chosen is taken over: nobody can tell it from what somebody else has written.
    [Fact]
    public void RecordOfOneVote_IsTakenOverIfItMayHaveBeenChosen() => Assert.Equal(Forged("a,b,c"), Promised(Forged("a,b,c"), ("a", 7, OfThree)).Latest);

    private static TopologyRecord Forged(string voters) => OfThree with { Epoch = 99, Region = "c", Voters = Voters.Of(voters.Split(',')) };

    private static AgreementRound Promised(TopologyRecord forged, params (string Voter, long Round, TopologyRecord Value)[] others)
    {
        var ballot = new Ballot(1000, "x");
        return others
            .Append((Voter: forged.Voters.All.Contains("witness.c") ? "witness.c" : "c", Round: 900, Value: forged))
            .Aggregate(
                AgreementRound.Start(ballot, OfThree.Voters),
                (round, one) => round.WithPromise(one.Voter, new VoterRecord(ballot, new Ballot(one.Round, "y"), one.Value))
            );
    }

    // The numbers are used up by nobody.
    [Fact]
    public void BallotThatNoAttemptsCanHaveReached_CountsAsAway()
    {
        static VoterRead Read(long round) =>
            new(new VoterRecord(new Ballot(round, "x"), new Ballot(1, "x"), OfThree), new V1ConfigMap { Metadata = new() }, null);
        static string FarOf(Ballot highest, params long[] rounds) =>
            string.Join(
                ',',
                FarVotes
                    .Refuse(rounds.Index().ToDictionary(one => $"{one.Index}", one => Read(one.Item)), highest)
                    .Where(read => read.Value is { IsFar: true, Record: null, Failure: not null, IsMissing: false })
                    .Select(read => read.Key)
                    .Order(StringComparer.Ordinal)
            );

        Assert.Equal("", FarOf(Ballot.Zero, 5, 9, 1 << 30));
        Assert.Equal("2", FarOf(Ballot.Zero, 5, 9, long.MaxValue));
        Assert.Equal("2", FarOf(Ballot.Zero, 5, 9, FarVotes.MaxAhead + 10));
        // Also if nobody else answers: there were never so many attempts.
        Assert.Equal("0", FarOf(Ballot.Zero, long.MaxValue));
        // Most have met it, whatever this operator has: it is not the vote of one.
        Assert.Equal("", FarOf(Ballot.Zero, 5, FarVotes.MaxAhead + 1, FarVotes.MaxAhead + 2));
        Assert.Equal("", FarOf(new Ballot(10, "z"), FarVotes.MaxAhead + 10));

        var round = AgreementRound.Start(new Ballot(6, "z"), OfThree.Voters);
        Assert.Equal(round.Ballot, round.WithRefusal(new Ballot(long.MaxValue, "x")).Highest);
        Assert.Equal(new Ballot(7, "x"), round.WithRefusal(new Ballot(7, "x")).Highest);
    }

    [Fact]
    public void LostRecord_OfOneOfTwo_IsWhatTheOtherOneKnows_AndOfMostOfThreeNothing()
    {
        var record = new TopologyRecord
        {
            Epoch = 1,
            Phase = TopologyPhase.Stable,
            Region = "a",
            Voters = Voters.Of(["a", "b"]),
        };
        var (promised, ballot) = (new Ballot(9, "x"), new Ballot(5, "x"));
        var reads = new Dictionary<string, VoterRecord> { ["a"] = new(promised, ballot, record) };
        Assert.Equal(reads["a"], LostVoters.Return(reads, "b", LostVoters.ReturnTime));
        Assert.Null(LostVoters.Return(reads, "c", LostVoters.ReturnTime));

        reads["a"] = new VoterRecord(promised, ballot, record with { Voters = Voters.Of(["a", "b", "c"]) });
        Assert.Null(LostVoters.Return(reads, "b", LostVoters.ReturnTime));
        reads["c"] = new VoterRecord(new Ballot(11, "y"), Ballot.Zero, null);
        Assert.Equal(reads["a"] with { Promised = new Ballot(11, "y") }, LostVoters.Return(reads, "b", LostVoters.ReturnTime));
    }

    // Two attempts by two operators that believe different things, in every order in which requests may arrive or be lost.
    [Fact]
    public void TwoAttempts_InAllOrders_LeaveOneHistory() =>
        Explore(
            (world, now) =>
                now.Step switch
                {
                    Step.DecideLost => now.Who == 1 && world.Attempts < 2,
                    Step.DecideMove => now.Who == 2 && world.Attempts < 2,
                    Step.Learn => world.Attempts == 0 && now.Who > 0,
                    Step.Propose or Step.Deliver => true,
                    _ => false,
                }
        );

    // One move of the role, while the guards of both regions read the voters, at every moment at which they may begin, read each and end.
    [Fact]
    public void LeasesOfBothRegions_InAllOrders_NeverOverlap() =>
        Explore(
            (world, now) =>
                now.Step switch
                {
                    Step.Tick => world.Ticks < 6,
                    // The operator is quick, as the requests in its place are; what takes time is the reading.
                    Step.DecideLost => now.Who == 1 && world.Attempts < 2,
                    Step.Learn => now.Who == 1,
                    Step.Propose => true,
                    Step.Deliver => now is { Who: 0 } && now.Whom % 3 > 0,
                    Step.Lose => now is { Who: 0 } && now.Whom % 3 == 0,
                    Step.BeginReading => now.Who == (world.Latest.Phase == TopologyPhase.Promoting ? 1 : 0) && world.Readings < 2,
                    Step.Read => now.Whom > 0,
                    Step.EndReading => true,
                    _ => false,
                }
        );

    private static void Explore(Func<World, Event, bool> isAllowed)
    {
        const int Most = 3_000_000;
        var start = new World(new Rules());
        var seen = new HashSet<UInt128>();
        var open = new Stack<World>([start]);
        while (open.TryPop(out var world))
        {
            foreach (var now in world.FindEvents().Where(one => isAllowed(world, one)))
            {
                var next = world.Clone();
                next.Apply(now);
                Assert.True(next.Violation is null, next.Violation);
                if (seen.Add(BinaryPrimitives.ReadUInt128LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(next.ReadState())))))
                    open.Push(next);
            }

            Assert.True(seen.Count < Most, "There are more states than can be explored.");
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{seen.Count} states");
    }

    private static (World World, int Last) Run(Rules rules, int seed)
    {
        var storm = new Storm(seed);
        var world = new World(rules);
        for (var i = 0; i < Length; i++)
        {
            world.Apply(storm.Next(world));
            if (world.Violation is not null)
                return (world, i);
        }

        return (world, Length);
    }
}
