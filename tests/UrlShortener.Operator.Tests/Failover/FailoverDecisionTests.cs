using UrlShortener.Operator.Failover;
using Xunit;

namespace UrlShortener.Operator.Tests.Failover;

public sealed class FailoverDecisionTests
{
    private static readonly TimeSpan Now = TimeSpan.FromHours(1);
    private static readonly DateTimeOffset Clock = new(2026, 11, 30, 12, 0, 0, TimeSpan.Zero);

    private static readonly TopologyRecord Stable = new()
    {
        Epoch = 4,
        Phase = TopologyPhase.Stable,
        Region = "us-west",
        IsGuarded = true,
        Voters = Voters.Of(["us-west", "us-east", "eu-west"]),
    };

    private static readonly TopologyRecord Fencing = Stable with { Epoch = 5, Phase = TopologyPhase.Fencing, Region = "us-east", Former = "us-west" };

    [Fact]
    public void HealthyGroup_NothingHappens()
    {
        Assert.Equal(new FailoverDecision(null), FailoverDecision.Of(View(Stable)));
        Assert.Equal(new FailoverDecision(null), FailoverDecision.Of(View(Stable, requested: "us-west")));
    }

    // After a restore of etcd no guard obeys the votes, and an epoch that is higher by one only would give no right either.
    [Fact]
    public void VotesOlderThanGuards_RegionThatWritesGetsTheRoleAboveAllThatIsKnown()
    {
        var view = View(Stable with { Home = "eu-west" }, Region("us-west"), Region("us-east") with { WritableIn = 9 }, Region("eu-west")) with
        {
            GuardEpoch = 9,
        };

        var next = FailoverDecision.Of(view).Next;
        Assert.Equal((10, TopologyPhase.Promoting, "us-east", null), (next!.Epoch, next.Phase, next.Region, next.Former));
        // Nor does it go back by itself to where it was to go back then.
        Assert.Null(next.Home);
        // A right of an earlier decision does not count.
        var two = view with
        {
            Regions = With(view, Region("us-west") with { WritableIn = 4 }),
        };
        Assert.Equal("us-east", FailoverDecision.Of(two).Next?.Region);
    }

    [Fact]
    public void VotesOlderThanGuards_NobodyMayWrite_OnlyPrimaryDatabaseGetsTheRole()
    {
        var view = View(
            Stable,
            Region("us-west") with
            {
                IsPrimaryDatabase = false,
            },
            Region("us-east") with
            {
                IsPrimaryDatabase = true,
            },
            Region("eu-west") with
            {
                IsPrimaryDatabase = false,
            }
        ) with
        {
            GuardEpoch = 9,
        };
        Assert.Equal((10L, "us-east"), (FailoverDecision.Of(view).Next!.Epoch, FailoverDecision.Of(view).Next!.Region));

        foreach (var other in new[] { Region("us-west"), Region("us-west") with { IsPrimaryDatabase = true }, Region("us-west") with { WritableIn = 4 } })
        {
            var decision = FailoverDecision.Of(view with { Regions = With(view, other) });
            Assert.Null(decision.Next);
            Assert.Contains("guards know epoch 9", decision.Waits, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("us-east")]
    [InlineData("us-west")]
    public void VotesOlderThanGuards_Forced_EpochIsAboveAllThatIsKnown(string region)
    {
        var next = FailoverDecision.Of(View(Stable) with { GuardEpoch = 9, Forced = region }).Next;
        Assert.Equal((10, TopologyPhase.Fencing, region), (next!.Epoch, next.Phase, next.Region));
    }

    private static Dictionary<string, RegionView> With(GroupView view, RegionView region) =>
        view.Regions.Values.Where(other => other.Name != region.Name).Append(region).ToDictionary(one => one.Name, StringComparer.Ordinal);

    [Theory]
    [InlineData(9, null)]
    [InlineData(10, "us-east")]
    public void PrimaryBad_ForTheDelay_RegionOfHighestPriorityIsNext(int seconds, string? next)
    {
        var decision = FailoverDecision.Of(View(Stable, Lost("us-west", seconds), Region("eu-west") with { Priority = 10 }));

        Assert.Equal(next, decision.Next?.Region);
        if (next is not null)
        {
            var expected = Fencing with { AutomaticMoves = [Clock.ToUnixTimeSeconds()], Home = "us-west" };
            Assert.Equal(expected, Bare(decision.Next));
        }
    }

    [Fact]
    public void PrimaryBad_WithoutSomebodyWhoMayHaveTheRole_SaysWhy()
    {
        var lost = Lost("us-west");
        Assert.StartsWith(
            "No healthy region follows closely",
            FailoverDecision.Of(View(Stable, lost, Region("us-east") with { LagBytes = null }, Region("eu-west") with { LagBytes = 17 << 20 })).Waits,
            StringComparison.Ordinal
        );
        Assert.Equal("No region is healthy. All are left as they are.", FailoverDecision.Of(View(Stable, lost, Lost("us-east"), Lost("eu-west"))).Waits);
        Assert.Contains(
            "mode does not let",
            FailoverDecision.Of(View(Stable, lost) with { Settings = new() { IsAutomatic = false } }).Waits,
            StringComparison.Ordinal
        );
        Assert.Contains("no guards", FailoverDecision.Of(View(Stable with { IsGuarded = false }, lost)).Waits, StringComparison.Ordinal);
        Assert.Contains(
            "allowed at 2026-11-30 12:20",
            FailoverDecision.Of(View(Stable with { AutomaticMoves = [Clock.AddMinutes(-10).ToUnixTimeSeconds()] }, lost)).Waits,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "allowed at 2026-12-01 07:00",
            FailoverDecision
                .Of(View(Stable with { AutomaticMoves = [Clock.AddHours(-5).ToUnixTimeSeconds(), Clock.AddHours(-1).ToUnixTimeSeconds()] }, lost))
                .Waits,
            StringComparison.Ordinal
        );
        // The clock of the cluster that decided was wrong by years, and is right again.
        Assert.Equal("eu-west", NextOf(View(Stable with { AutomaticMoves = [Clock.AddYears(10).ToUnixTimeSeconds()] }, lost))?.Region);
        Assert.Null(NextOf(View(Stable with { AutomaticMoves = [Clock.AddHours(1).ToUnixTimeSeconds()] }, lost)));
    }

    [Fact]
    public void LossAllowed_LaggingRegionMayHaveTheRole() =>
        Assert.Equal(
            "us-east",
            FailoverDecision
                .Of(
                    View(Stable, Lost("us-west"), Region("us-east") with { LagBytes = null }, Lost("eu-west")) with
                    {
                        Settings = new() { AllowsDataLoss = true },
                    }
                )
                .Next?.Region
        );

    [Fact]
    public void PlannedMove_NeedsHealthyRegions_AndThenGoesToTheOneAskedFor()
    {
        Assert.Equal(Fencing with { Region = "eu-west", IsPlanned = true }, NextOf(View(Stable, requested: "eu-west")));
        Assert.Equal(Fencing with { Region = "eu-west", IsPlanned = true, Home = "us-west" }, NextOf(View(Stable, Region("us-west") with { Drains = true })));
        Assert.NotNull(FailoverDecision.Of(View(Stable, "eu-west", Region("eu-west") with { LagBytes = null })).Waits);
    }

    // It would be given up, and nobody would write meanwhile. A region that is lost has no such choice: nothing that was received is lost.
    [Fact]
    public void PlannedMove_DoesNotGoToARegionThatHasMuchToReplay()
    {
        var slow = Region("eu-west") with { ReplayBytes = 17 << 20 };
        Assert.NotNull(FailoverDecision.Of(View(Stable, "eu-west", slow)).Waits);
        Assert.Equal("us-east", NextOf(View(Stable, Region("us-west") with { Drains = true }, slow))!.Region);
        Assert.Equal("eu-west", NextOf(View(Stable, "eu-west", slow with { ReplayBytes = 16 << 20 }))!.Region);
        Assert.Equal("eu-west", NextOf(View(Stable, Lost("us-west"), slow))!.Region);
    }

    [Theory]
    [InlineData(24, false)]
    [InlineData(25, true)]
    public void Fencing_WithoutAnAcknowledgement_WaitsForTheEndOfTheLease(int seconds, bool isPromoted)
    {
        var view = View(Fencing, Lost("us-west")) with { RecordSeen = Now - TimeSpan.FromSeconds(seconds) };

        Assert.Equal(isPromoted ? Fencing with { Phase = TopologyPhase.Promoting } : null, NextOf(view));
        Assert.Contains("Only a person", FailoverDecision.Of(view with { Record = Fencing with { IsGuarded = false } }).Waits, StringComparison.Ordinal);
    }

    [Fact]
    public void Fencing_Acknowledged_WaitsForTheRestOfTheLog_ButNotForEver()
    {
        var fenced = Lost("us-west") with { FencedEpoch = 5, FencedAt = 100 };
        var behind = View(Fencing, fenced, Region("us-east") with { Replayed = 99 });

        Assert.Null(FailoverDecision.Of(behind).Next);
        Assert.Equal(TopologyPhase.Promoting, FailoverDecision.Of(behind with { RecordSeen = Now - FailoverDecision.CatchUpLimit }).Next?.Phase);
        Assert.Equal(TopologyPhase.Promoting, FailoverDecision.Of(View(Fencing, fenced, Region("us-east") with { Replayed = 100 })).Next?.Phase);
        // What it said in an earlier epoch does not count.
        Assert.Null(FailoverDecision.Of(View(Fencing, fenced with { FencedEpoch = 4 }, Region("us-east") with { Replayed = 100 })).Next);
    }

    [Fact]
    public void Planned_NotFinishedInTime_RoleReturnsInANewEpoch()
    {
        var planned = Fencing with { IsPlanned = true };
        var fenced = Region("us-west") with { FencedEpoch = 5, FencedAt = 100 };
        var behind = View(planned, fenced, Region("us-east") with { Replayed = 99 });

        Assert.Null(FailoverDecision.Of(behind).Next);
        Assert.Equal(
            Stable with
            {
                Epoch = 6,
                Phase = TopologyPhase.Promoting,
                IsPlanned = true,
            },
            NextOf(behind with { RecordSeen = Now - FailoverDecision.PlannedLimit })
        );
    }

    // Otherwise it would be read-only for 15 s again and again, such as while nothing is replayed in the other region.
    [Fact]
    public void Drained_AfterAMoveThatCouldNotBeFinished_KeepsTheRoleForAWhile()
    {
        var drained = Region("us-west") with { Drains = true };
        var began = View(Stable, drained);
        var given = FailoverDecision.Of(began).Next! with { Former = "us-west" };
        var fenced = drained with { FencedEpoch = 5, FencedAt = 100 };
        var behind = View(given, fenced, Region("eu-west") with { Replayed = 99 }) with { RecordSeen = Now - FailoverDecision.PlannedLimit };
        var back = FailoverDecision.Of(behind).Next!;
        Assert.Equal((6, "us-west"), (back.Epoch, back.Region));
        var again = View(back with { Phase = TopologyPhase.Stable }, drained);

        Assert.Contains("tried again at 2026-11-30 12:10", FailoverDecision.Of(again).Waits, StringComparison.Ordinal);
        Assert.Null(FailoverDecision.Of(again).Next);
        Assert.Equal("eu-west", FailoverDecision.Of(again with { Clock = Clock.AddMinutes(10) }).Next?.Region);
        // A person may ask at any time, and a clock that was wrong forbids nothing.
        Assert.Equal("us-east", FailoverDecision.Of(again with { Requested = "us-east" }).Next?.Region);
        Assert.Equal("eu-west", FailoverDecision.Of(again with { Clock = Clock.AddYears(-1) }).Next?.Region);
        // After a move that was finished the next one is another matter.
        Assert.NotNull(FailoverDecision.Of(View(Stable with { IsPlanned = true, Former = "us-east", MovedAt = Clock.ToUnixTimeMilliseconds() }, drained)).Next);
    }

    [Fact]
    public void Fencing_CandidateLost_AnotherOneIsChosen_OrTheFormerPrimaryGoesOn()
    {
        var ended = View(Fencing, Lost("us-west"), Lost("us-east")) with { RecordSeen = Now - TimeSpan.FromMinutes(1) };
        Assert.Equal(Fencing with { Region = "eu-west" }, NextOf(ended));

        var alone = View(Fencing, Lost("us-east"), Lost("eu-west")) with { RecordSeen = Now - TimeSpan.FromMinutes(1) };
        Assert.Equal((6, "us-west"), (FailoverDecision.Of(alone).Next!.Epoch, FailoverDecision.Of(alone).Next!.Region));
    }

    [Fact]
    public void Promoting_EndsWhenTheRegionWrites_OrWhenItIsLostToo()
    {
        var promoting = Fencing with { Phase = TopologyPhase.Promoting };
        Assert.Null(FailoverDecision.Of(View(promoting)).Next);
        Assert.Null(FailoverDecision.Of(View(promoting, Region("us-east") with { WritesIn = 4 })).Next);
        Assert.Equal(promoting with { Phase = TopologyPhase.Stable }, NextOf(View(promoting, Region("us-east") with { WritesIn = 5 })));

        // Limits of automatic moves do not hold up the rest of one.
        var lost = FailoverDecision.Of(View(promoting with { AutomaticMoves = [Clock.ToUnixTimeSeconds()] }, Lost("us-east"), Lost("us-west"))).Next;
        Assert.Equal((6, TopologyPhase.Fencing, "eu-west", "us-east"), (lost!.Epoch, lost.Phase, lost.Region, lost.Former));
    }

    [Fact]
    public void Guards_AreRecordedByTheRegionsOwnOperatorOnly()
    {
        var unguarded = View(Stable, Region("us-west") with { IsGuarded = false });
        Assert.Null(FailoverDecision.Of(unguarded with { Own = new HashSet<string> { "us-east" } }).Next);
        Assert.Equal(Stable with { IsGuarded = false }, NextOf(unguarded with { Own = new HashSet<string> { "us-west" } }));
    }

    [Fact]
    public void Verdict_NeedsSeveralProbesInARow_AndObserversOutsideTheRegion()
    {
        var history = HealthHistory.None;
        foreach (var succeeded in new[] { true, false, false, true, false, false })
            history = history.Add(succeeded, unhealthyThreshold: 3, healthyThreshold: 5);
        Assert.Equal(Verdict.Good, history.Verdict);
        history = history.Add(false, 3, 5);
        Assert.Equal(Verdict.Bad, history.Verdict);
        foreach (var succeeded in new[] { true, true, true, true, false, true, true, true, true })
            history = history.Add(succeeded, 3, 5);
        Assert.Equal(Verdict.Bad, history.Verdict);
        Assert.Equal(Verdict.Good, history.Add(true, 3, 5).Verdict);

        Verdict Judge(Verdict a, Verdict b, Verdict c) =>
            HealthHistory.Judge(
                "a",
                new Dictionary<string, Verdict>
                {
                    ["a"] = a,
                    ["b"] = b,
                    ["c"] = c,
                },
                least: 2
            );
        Assert.Equal(Verdict.Bad, Judge(Verdict.Unknown, Verdict.Bad, Verdict.Bad));
        Assert.Equal(Verdict.Bad, Judge(Verdict.Good, Verdict.Bad, Verdict.Bad));
        Assert.Equal(Verdict.Unknown, Judge(Verdict.Bad, Verdict.Bad, Verdict.Unknown));
        Assert.Equal(Verdict.Unknown, Judge(Verdict.Unknown, Verdict.Bad, Verdict.Unknown));
        Assert.Equal(Verdict.Good, Judge(Verdict.Good, Verdict.Bad, Verdict.Good));
    }

    [Fact]
    public void Voters_ChangeByWayOfBothMajorities()
    {
        var start = Voters.Of(["c", "a", "b"]);
        Assert.Null(start.Towards(["a", "b", "c"]));
        var joint = start.Towards(["a", "b", "d", "e", "f"])!;
        Assert.False(joint.IsQuorum(["a", "b"]));
        Assert.False(joint.IsQuorum(["d", "e", "f"]));
        Assert.True(joint.IsQuorum(["a", "b", "d"]));
        Assert.Equal(["a", "b", "c", "d", "e", "f"], joint.All.Order(StringComparer.Ordinal));
        var end = joint.Towards(["x"])!;
        Assert.Equal(Voters.Of(["a", "b", "d", "e", "f"]), end);
        Assert.True(end.IsQuorum(["d", "e", "f"]));
    }

    [Fact]
    public void Requested_WhenThePrimaryIsLost_MovesWithoutTheLimitsOfAutomaticMoves()
    {
        var asked = View(Stable with { AutomaticMoves = [Clock.ToUnixTimeSeconds()] }, "eu-west", Lost("us-west", 1));
        Assert.Equal(Fencing with { Region = "eu-west", AutomaticMoves = [Clock.ToUnixTimeSeconds()] }, NextOf(asked));
        Assert.Equal(Fencing with { Region = "eu-west" }, NextOf(View(Stable, "eu-west", Lost("us-west")) with { Settings = new() { IsAutomatic = false } }));
        Assert.NotNull(FailoverDecision.Of(View(Stable, "eu-west", Lost("us-west", 1), Region("eu-west") with { LagBytes = null })).Waits);
    }

    [Fact]
    public void Forced_NeedsNothingButTheData()
    {
        var dark = View(Stable with { IsGuarded = false }, Lost("us-west"), Lost("us-east") with { LagBytes = null }, Lost("eu-west")) with
        {
            Settings = new() { IsAutomatic = false },
        };
        Assert.Null(FailoverDecision.Of(dark).Next);
        var forced = dark with { Forced = "us-east" };
        Assert.Equal(Fencing with { IsGuarded = false }, NextOf(forced));
        Assert.Null(FailoverDecision.Of(dark with { Record = Fencing with { IsGuarded = false } }).Next);
        Assert.Equal(TopologyPhase.Promoting, NextOf(forced with { Record = Fencing with { IsGuarded = false } })?.Phase);
        // It already has the role.
        Assert.Null(FailoverDecision.Of(View(Stable) with { Forced = "us-west" }).Next);
        Assert.Null(FailoverDecision.Of(View(Stable, Region("us-east") with { IsCandidate = false }) with { Forced = "us-east" }).Next);
    }

    [Fact]
    public void Deleted_PrimaryRegion_IsLeftWhateverTheModeSays()
    {
        var gone = Region("us-west") with { IsGone = true, IsCandidate = false, Verdict = Verdict.Bad };
        Assert.Equal(Fencing with { Region = "eu-west" }, NextOf(View(Stable, gone) with { Settings = new() { IsAutomatic = false } }));
        Assert.Null(FailoverDecision.Of(View(Fencing, gone)).Next);
        Assert.Equal(TopologyPhase.Promoting, FailoverDecision.Of(View(Fencing, gone with { FencedEpoch = 5 })).Next?.Phase);
    }

    [Fact]
    public void Failback_ToTheRegionThatLostTheRole_WhenAllHasBeenWellForLong()
    {
        var moved = Stable with
        {
            Region = "us-east",
            Former = "us-west",
            Home = "us-west",
            MovedAt = Clock.AddMinutes(-31).ToUnixTimeMilliseconds(),
            AutomaticMoves = [Clock.AddMinutes(-31).ToUnixTimeSeconds()],
        };
        var home = Region("us-west") with { GoodSince = Now - TimeSpan.FromMinutes(30) };
        var settings = new FailoverSettings { FailbackAfter = TimeSpan.FromMinutes(30) };
        var view = View(moved, home) with { Settings = settings };

        var back = NextOf(view);
        Assert.Equal(moved with { Epoch = 5, Phase = TopologyPhase.Fencing, Region = "us-west", Former = "us-east", IsPlanned = true, MovedAt = 0 }, back);
        // Only if somebody wants that, in the time for it, and it can be done without a loss.
        Assert.Null(NextOf(view with { Settings = new FailoverSettings() }));
        Assert.Null(NextOf(view with { Settings = settings with { IsFailbackTime = false } }));
        Assert.Null(NextOf(WithHome(home with { GoodSince = Now - TimeSpan.FromMinutes(29) })));
        Assert.Null(NextOf(WithHome(home with { GoodSince = null })));
        Assert.Null(NextOf(WithHome(home with { LagBytes = 17 << 20 })));
        Assert.Null(NextOf(WithHome(home with { ReplayBytes = 17 << 20 })));
        Assert.Null(NextOf(WithHome(home with { Drains = true })));
        Assert.Null(NextOf(View(moved, home, Lost("us-east", 1)) with { Settings = settings }));
        // Not soon after a move or an attempt, and not if it were the last move of the day.
        Assert.Null(NextOf(view with { Record = moved with { MovedAt = Clock.AddMinutes(-29).ToUnixTimeMilliseconds() } }));
        Assert.Null(NextOf(view with { Settings = settings with { Limits = new MoveLimits(TimeSpan.FromMinutes(30), 1) } }));
        // A person's decision stands.
        Assert.Null(NextOf(view with { Record = moved with { Home = null } }));
        Assert.Null(NextOf(view with { Record = moved with { Region = "us-west", Former = "us-east" } }));

        GroupView WithHome(RegionView region) => View(moved, region) with { Settings = settings };
    }

    [Fact]
    public void Home_IsTheRegionThatLostTheRoleByItself_UntilAPersonDecides()
    {
        Assert.Equal("us-west", NextOf(View(Stable, Region("us-west") with { Drains = true }))!.Home);
        Assert.Null(NextOf(View(Stable with { Home = "eu-west" }, "us-east"))!.Home);
        // Lost on the way, too.
        var second = Stable with
        {
            Region = "us-east",
            Home = "us-west",
        };
        Assert.Equal("us-west", NextOf(View(second, Lost("us-east")))!.Home);
    }

    private static TopologyRecord? NextOf(GroupView view) => Bare(FailoverDecision.Of(view).Next);

    // Without what is only for people.
    private static TopologyRecord? Bare(TopologyRecord? record) => record is null ? null : record with { Reason = "", MovedAt = 0, TookMillis = null };

    private static RegionView Region(string name) =>
        new()
        {
            Name = name,
            Priority = name == "us-east" ? 40 : 50,
            IsCandidate = true,
            IsGuarded = true,
            Verdict = Verdict.Good,
            LagBytes = 0,
        };

    private static RegionView Lost(string name, int seconds = 60) =>
        Region(name) with
        {
            Verdict = Verdict.Bad,
            BadSince = Now - TimeSpan.FromSeconds(seconds),
        };

    private static GroupView View(TopologyRecord record, params RegionView[] changed) => View(record, null, changed);

    private static GroupView View(TopologyRecord record, string? requested, params RegionView[] changed)
    {
        var regions = new[] { Region("us-west"), Region("us-east"), Region("eu-west") }.ToDictionary(region => region.Name);
        foreach (var region in changed)
            regions[region.Name] = region;
        return new GroupView
        {
            Own = new HashSet<string> { "eu-west" },
            Record = record,
            RecordSeen = Now - TimeSpan.FromSeconds(1),
            Regions = regions,
            Settings = new FailoverSettings(),
            Requested = requested,
            Now = Now,
            Clock = Clock,
        };
    }
}
