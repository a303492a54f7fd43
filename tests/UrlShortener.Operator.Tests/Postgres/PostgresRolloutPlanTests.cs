using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Postgres;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>The next step of a rollout, and what becomes of a request to move the primary. Member 0 is the primary.</summary>
public sealed class PostgresRolloutPlanTests
{
    private const string New = "new";
    private const string Old = "old";
    private const long Written = 100 * PostgresRollout.MaxLag;

    private static readonly DateTimeOffset Now = new(2030, 1, 31, 12, 0, 0, TimeSpan.Zero);
    private static readonly Dictionary<string, PatroniChange> Shared = new()
    {
        ["shared_buffers"] = new() { Old = "128MB", New = "256MB" },
    };
    private static readonly Dictionary<string, PatroniChange> Lowered = new()
    {
        ["max_connections"] = new() { Old = "300", New = "100" },
    };

    [Fact]
    public void Of_MembersOfTheCurrentTemplate_IsDone() => Assert.True(Roll(Observe(New, New, New)).IsDone);

    [Fact]
    public void Of_TemplateThatIsNotApplied_Waits()
    {
        var observed = Observe(Old, Old, Old);
        observed.StatefulSet!.Metadata.Annotations[Labels.AppliedDigest] = "other";
        Assert.True(Roll(observed) is { Step: null, IsDone: false });
    }

    [Fact]
    public void Of_OutdatedMembers_TakesReplicasFromTheHighestThenMovesThePrimaryThenReplacesIt()
    {
        Assert.Equal("eu-postgres-2", Assert.IsType<RolloutStep.Replace>(Roll(Observe(Old, Old, Old)).Step).Member);
        Assert.Equal("eu-postgres-1", Assert.IsType<RolloutStep.Replace>(Roll(Observe(Old, Old, New)).Step).Member);
        var move = Assert.IsType<RolloutStep.Switchover>(Roll(Observe(Old, New, New)).Step);
        Assert.Equal(("eu-postgres-0", "eu-postgres-1"), (move.Member, move.To));
    }

    [Theory]
    [InlineData(4 << 20, 500 << 20, 900 << 20, "eu-postgres-1")]
    [InlineData(4 << 20, 20 << 20, 900 << 20, "eu-postgres-2")]
    // No member has more room.
    [InlineData(4 << 20, 20 << 20, 30 << 20, null)]
    // It is nearly full, and can write.
    [InlineData(40 << 20, 500 << 20, 900 << 20, null)]
    // A replica that is full does not stop the primary.
    [InlineData(500 << 20, 0, 900 << 20, null)]
    public void Of_PrimaryWhoseVolumeIsFull_MovesToOneWithRoom(long first, long second, long third, string? to)
    {
        var observed = WithRoom(Observe(New, New, New), first, second, third);

        Assert.Equal(to, VolumeRelief.Next(Region(), observed, PostgresMemory.None, All, Now)?.To);
    }

    // It may be full for the same reason, or full already.
    [Fact]
    public void Of_PrimaryWhoseVolumeIsFull_StaysWhileAMoveIsUnderWayOrHasJustFailed()
    {
        var observed = WithRoom(Observe(New, New, New), 0, 500 << 20, 900 << 20);

        Assert.Null(VolumeRelief.Next(Region(), observed, PostgresMemory.None with { Switchover = new("eu-postgres-0", "eu-postgres-1", Now) }, All, Now));
        Assert.Null(VolumeRelief.Next(Region(), observed, PostgresMemory.None with { SwitchoverNotBefore = Now.AddSeconds(1) }, All, Now));
        Assert.NotNull(VolumeRelief.Next(Region(), observed, PostgresMemory.None with { SwitchoverNotBefore = Now }, All, Now));
    }

    // It answers as before until its process ends.
    [Fact]
    public void Of_MemberWhosePodIsBeingDeleted_WaitsAndDoesNotMoveThePrimaryToIt()
    {
        var observed = Observe(Old, Old, New);
        observed.PodOf("eu-postgres-1")!.Metadata.DeletionTimestamp = Now.UtcDateTime;
        var rollout = Roll(observed);
        Assert.Null(rollout.Step);
        Assert.Equal("eu-postgres-1 (being deleted) must serve first", rollout.Blocked);
        Assert.Equal("eu-postgres-1 is being deleted", PostgresRollout.FindObjection(Region(), observed, "eu-postgres-1"));
    }

    [Fact]
    public void IsNews_PodThatGetsItsFirstStatus_IsOne()
    {
        V1Pod Pod(string version, V1PodStatus? status) =>
            new()
            {
                Metadata = new V1ObjectMeta { Uid = "1", ResourceVersion = version },
                Status = status,
            };
        var scheduled = Pod("2", new V1PodStatus { Phase = "Pending" });
        Assert.True(PostgresServices.IsNews(new(Pod("1", null), scheduled)));
        Assert.False(PostgresServices.IsNews(new(scheduled, Pod("3", new V1PodStatus { Phase = "Pending" }))));
    }

    [Fact]
    public void Of_OnlyMember_IsReplaced() =>
        Assert.Equal("eu-postgres-0", Assert.IsType<RolloutStep.Replace>(Roll(Observe(Old), instances: 1, durability: Durability.Async).Step).Member);

    [Fact]
    public void Of_ReplicaThatDoesNotServeOrLags_TakesNobodyElse()
    {
        var observed = Observe(Old, Old, New);
        Assert.Null(Roll(Change(observed, 2, member => member with { ReplicationState = null })).Step);
        Assert.Null(Roll(Change(observed, 2, _ => null)).Step);
        var behind = Change(observed, 2, member => member with { Position = new PatroniPosition { Received = Written - PostgresRollout.MaxLag - 1 } });
        Assert.Contains("eu-postgres-2", Roll(behind).Blocked, StringComparison.Ordinal);
        Assert.Null(Roll(Change(observed, 2, member => member with { Timeline = 3 })).Step);
    }

    // It answers until its process has ended.
    [Fact]
    public void Of_LastPodThatEnds_IsNotDoneYet()
    {
        var observed = Observe(Old, New, New);
        Assert.False(Roll(observed).IsDone);
        observed.Pods[0].Metadata.DeletionTimestamp = Now.UtcDateTime;
        var rollout = Roll(observed);
        Assert.Equal((false, null, "eu-postgres-0 ends"), (rollout.IsDone, rollout.Step, rollout.Blocked));
        // Somebody else's deletion of a current pod changes nothing.
        observed = Observe(New, New, New);
        observed.Pods[0].Metadata.DeletionTimestamp = Now.UtcDateTime;
        Assert.True(Roll(observed).IsDone);
    }

    [Fact]
    public void Of_UnknownSynchronousReplicas_Waits()
    {
        Assert.Null(Roll(Observe(Old, Old, Old) with { Synchrony = null }).Step);
        Assert.Null(Roll(Change(Observe(Old, Old, Old), 0, member => member with { Replication = [] })).Step);
        Assert.NotNull(Roll(Observe(Old, Old, Old) with { Synchrony = null }, durability: Durability.Async).Step);
    }

    [Fact]
    public void Of_PrimaryWithoutASynchronousReplicaOfTheNewTemplate_StaysPrimary()
    {
        Assert.Null(Roll(Observe(Old, New, New) with { Synchrony = Synchrony("eu-postgres-9") }).Step);
        // It is still that of a former primary.
        Assert.Null(Roll(Observe(Old, New, New) with { Synchrony = Synchrony("eu-postgres-1,eu-postgres-2", "eu-postgres-1") }).Step);
    }

    // An image that does not start, and the return to the former one.
    [Fact]
    public void Of_MemberWhoseContainerDoesNotRun_BlocksTheNextAndIsReplacedOnceItIsOutdated()
    {
        Assert.Null(Roll(Change(Break(Observe(Old, Old, New), 2), 2, _ => null)).Step);
        Assert.Equal("eu-postgres-2", Assert.IsType<RolloutStep.Replace>(Roll(Change(Break(Observe(New, New, Old), 2), 2, _ => null)).Step).Member);
    }

    [Fact]
    public void Of_OutdatedMemberThatRunsAndDoesNotServe_IsReplacedOnlyAfterMinutes()
    {
        var observed = Change(Observe(New, New, Old), 2, _ => null);
        Assert.Null(Roll(observed, new PostgresMemory { BlockedSince = Now.AddMinutes(-2) }).Step);
        Assert.IsType<RolloutStep.Replace>(Roll(observed, new PostgresMemory { BlockedSince = Now.AddMinutes(-3) }).Step);
    }

    [Fact]
    public void Of_PausedElectionsOrAMoveThatIsUnderWay_Waits()
    {
        Assert.Null(Roll(Change(Observe(Old, Old, Old), 1, member => member with { Paused = true })).Step);
        Assert.Null(Roll(Observe(Old, Old, Old), new PostgresMemory { Switchover = new PlannedSwitchover("eu-postgres-0", "eu-postgres-1", Now) }).Step);
        Assert.Null(Roll(Observe(Old, New, New), new PostgresMemory { SwitchoverNotBefore = Now.AddSeconds(1) }).Step);
    }

    [Fact]
    public void Of_ParameterThatNeedsARestart_RestartsReplicasThenMovesThePrimary()
    {
        var all = Pend(Pend(Pend(Observe(New, New, New), 0, Shared), 1, Shared), 2, Shared);
        Assert.Equal("eu-postgres-2", Assert.IsType<RolloutStep.Restart>(Roll(all).Step).Member);
        Assert.Null(Roll(all, new PostgresMemory { RestartedAt = new Dictionary<string, DateTimeOffset> { ["eu-postgres-2"] = Now.AddSeconds(-5) } }).Step);
        Assert.IsType<RolloutStep.Switchover>(Roll(Pend(Observe(New, New, New), 0, Shared)).Step);
    }

    // A standby must have at least what its primary has.
    [Fact]
    public void Of_LoweredParameter_RestartsThePrimaryFirst()
    {
        var all = Pend(Pend(Pend(Observe(New, New, New), 0, Lowered), 1, Lowered), 2, Lowered);
        Assert.Equal("eu-postgres-0", Assert.IsType<RolloutStep.Restart>(Roll(all).Step).Member);
        Assert.Equal("eu-postgres-2", Assert.IsType<RolloutStep.Restart>(Roll(Pend(Pend(Observe(New, New, New), 1, Lowered), 2, Lowered)).Step).Member);
    }

    [Fact]
    public void Follow_Request_RunsOnceAndIsRefusedForATargetThatCannot()
    {
        var observed = Observe(New, New, New);
        Assert.Equal((SwitchoverState.Started, "eu-postgres-2"), Ask(observed, "eu-postgres-2@4"));
        Assert.Equal((SwitchoverState.Started, "eu-postgres-1"), Ask(observed, "any@4"));
        foreach (var value in new[] { "eu-postgres-2@3", "eu-postgres-2@5", "eu-postgres-0@4", "eu-postgres-7@4", "x", "any@x" })
            Assert.Equal((SwitchoverState.Refused, null), Ask(observed, value));
        Assert.Equal((SwitchoverState.Refused, null), Ask(observed with { Synchrony = Synchrony("eu-postgres-1") }, "eu-postgres-2@4"));
        Assert.Equal((SwitchoverState.Refused, null), Ask(Change(observed, 2, member => member with { ReplicationState = null }), "eu-postgres-2@4"));
        // What was refused or done is not asked again.
        Assert.Equal((SwitchoverState.Refused, null), Ask(observed, "any@4", SwitchoverState.Refused));
        Assert.Equal((SwitchoverState.Done, null), Ask(observed, "any@3", SwitchoverState.Started));
        Assert.Equal((SwitchoverState.Refused, null), Ask(observed, "any@4", SwitchoverState.Started));
    }

    [Theory]
    [InlineData("eu-postgres-1@4", true)]
    [InlineData("any@3", true)]
    [InlineData("any@5", false)]
    [InlineData("any", false)]
    public void Check_Request_RefusesWhatCanNeverBe(string value, bool isValid) =>
        Assert.Equal(isValid, PostgresRules.CheckSwitchover(Region(status: new PostgresStatus { Timeline = 4 }), value) is null);

    [Fact]
    public void Track_PlannedMove_TellsItFromTheRequestOn()
    {
        var memory = new PostgresMemory { Primary = "eu-postgres-1", Switchover = new PlannedSwitchover("eu-postgres-1", "eu-postgres-0", Now.AddSeconds(-2)) };
        var (after, ended) = PostgresFailover.Track(memory, Observe(New, New, New), Now);
        Assert.Equal((FailoverCause.Planned, TimeSpan.FromSeconds(2)), (ended!.Cause, ended.Duration));
        Assert.Null(after.Switchover);

        var late = PostgresFailover.Track(memory with { Primary = "eu-postgres-0" }, Observe(New, New, New), Now + PlannedSwitchover.Limit);
        Assert.Null(late.Memory.Switchover);
        Assert.NotNull(late.Memory.SwitchoverNotBefore);
    }

    [Theory]
    [InlineData("registry.example:1500/postgres:17-1.0", 17, true)]
    [InlineData("registry.example/postgres:16-1.0", 17, false)]
    [InlineData("registry.example/postgres:test", 17, true)]
    [InlineData("registry.example/postgres@sha256:16", 17, true)]
    public void CheckVersion_OtherMajorThanTheData_IsRefused(string image, int data, bool isValid)
    {
        var region = Region();
        var spec = region.Spec with { Postgres = region.Spec.Postgres! with { Image = image } };
        Assert.Equal(isValid, !PostgresRules.CheckVersion(spec, data * 10_000, null).Any());
        Assert.Equal(isValid, !PostgresRules.CheckVersion(spec, null, $"{data}.2").Any());
    }

    [Fact]
    public void Check_OtherMajorThanTheFormerImage_IsRefused()
    {
        RegionSpec Of(string image) => Region().Spec with { Postgres = Region().Spec.Postgres! with { Image = image } };
        Assert.Equal("spec.postgres.image", Assert.Single(PostgresRules.Check(Of("pg:17-2"), Of("pg:16-1"))).Field);
        Assert.Empty(PostgresRules.Check(Of("pg:17-2"), Of("other/pg:17-1")));
    }

    [Fact]
    public void Scale_LoweredNumber_RemovesTheHighestOneAtATime()
    {
        var five = Live(5, Observe(New, New, New, New, New) with { Synchrony = Synchrony("eu-postgres-1,eu-postgres-2,eu-postgres-3,eu-postgres-4") });
        Assert.Equal(new PostgresScale(4), Scale(five));
        // The last one still ends, or Patroni still counts it.
        Assert.Equal(4, Scale(Live(4, five)).Replicas);
        Assert.Equal(4, Scale(Live(4, five with { Pods = [.. five.Pods.Take(4)] })).Replicas);
        Assert.Equal(new PostgresScale(3), Scale(Live(4, five with { Pods = [.. five.Pods.Take(4)], Synchrony = Synchrony("eu-postgres-1,eu-postgres-3") })));
        var three = Live(3, five with { Pods = [.. five.Pods.Take(4)], Synchrony = Synchrony("eu-postgres-1,eu-postgres-2") });
        Assert.Equal(new PostgresScale(3, Blocked: "eu-postgres-3 ends"), Scale(three));
        Assert.Equal(new PostgresScale(3), Scale(three with { Pods = [.. five.Pods.Take(3)] }));
        // One that stays does not serve, or is not synchronous.
        Assert.Equal(5, Scale(Change(five, 2, _ => null)).Replicas);
        Assert.Equal(5, Scale(five with { Synchrony = Synchrony("eu-postgres-3,eu-postgres-4") }).Replicas);
        Assert.Equal(4, Scale(Change(five, 4, _ => null)).Replicas);
    }

    [Fact]
    public void Scale_PrimaryThatIsToBeRemoved_HandsItsRoleOverFirst()
    {
        var observed = Live(4, Observe(New, New, New, New));
        var (former, next) = (observed.Members["eu-postgres-0"], observed.Members["eu-postgres-3"]);
        observed = observed with
        {
            Lock = new PatroniLock("eu-postgres-3", Now, "8"),
            Members = new Dictionary<string, PatroniMember>(observed.Members) { ["eu-postgres-0"] = next, ["eu-postgres-3"] = former },
        };
        var (replicas, step, _) = Scale(observed);
        Assert.Equal(4, replicas);
        Assert.Equal(("eu-postgres-3", "eu-postgres-1"), (step!.Member, Assert.IsType<RolloutStep.Switchover>(step).To));
    }

    [Fact]
    public void Scale_RaisedNumber_IsTakenAtOnce() => Assert.Equal(new PostgresScale(3), Scale(Live(1, Observe(New))));

    [Fact]
    public void Growth_Claims_AreThoseBelowTheSize()
    {
        V1PersistentVolumeClaim Claim(string request, string capacity) =>
            new()
            {
                Metadata = new V1ObjectMeta { Name = $"data-{request}" },
                Spec = new V1PersistentVolumeClaimSpec
                {
                    Resources = new V1VolumeResourceRequirements { Requests = new Dictionary<string, ResourceQuantity> { ["storage"] = new(request) } },
                },
                Status = new V1PersistentVolumeClaimStatus { Capacity = new Dictionary<string, ResourceQuantity> { ["storage"] = new(capacity) } },
            };
        V1PersistentVolumeClaim[] claims = [Claim("1Gi", "1Gi"), Claim("2Gi", "1Gi"), Claim("3Gi", "3Gi")];
        Assert.Equal(["data-1Gi"], VolumeGrowth.FindSmall(claims, new("2Gi")).Select(claim => claim.Metadata.Name));
        Assert.Equal("volumes grow to 2Gi: data-1Gi has 1Gi, data-2Gi has 1Gi", VolumeGrowth.Describe(claims, new("2Gi")));
        Assert.Null(VolumeGrowth.Describe(claims, new("1Gi")));
    }

    // The template of a StatefulSet cannot change.
    [Fact]
    public void Growth_OfTheSpecification_LeavesTheTemplateOfTheStatefulSet()
    {
        var set = PostgresResources.BuildStatefulSet(Region(), 3, new ResourceQuantity("1Gi"));
        Assert.Equal("1Gi", VolumeGrowth.TemplateSizeOf(Region(), set).ToString());
        Assert.True(VolumeGrowth.IsWanted(Region(), set));
        Assert.Null(VolumeGrowth.FindShrink(Region(), set));
        Assert.NotNull(VolumeGrowth.FindShrink(Region(), PostgresResources.BuildStatefulSet(Region(), 3, new ResourceQuantity("20Gi"))));
        Assert.Equal("10Gi", VolumeGrowth.TemplateSizeOf(Region(), null).ToString());
        Assert.True(PostgresNames.IsClaimOf(Region(), "data-eu-postgres-2"));
        Assert.False(PostgresNames.IsClaimOf(Region(), "data-eu-postgres-3"));
        Assert.False(PostgresNames.IsClaimOf(Region(), "data-eu-postgres-x"));
    }

    [Fact]
    public void Rejoin_ReplicaThatReceivesNothing_IsCopiedAnewAfterMinutesWhileAllOthersServe()
    {
        var observed = Change(Observe(New, New, New), 2, member => member with { ReplicationState = null });
        var since = MemberRejoin.Track(observed, new Dictionary<string, MemberAbsence>(), Now);
        Assert.Equal(Now, Assert.Single(since).Value.Since);
        var memory = new PostgresMemory { Away = since };
        var later = Now + MemberRejoin.Limit;

        Assert.Empty(MemberRejoin.FindDiverged(memory, later.AddSeconds(-1)));
        Assert.Equal(["eu-postgres-2"], MemberRejoin.FindDiverged(memory, later));
        Assert.Equal("eu-postgres-2 answered and received no changes for 3 minutes", MemberRejoin.Describe(memory, later));
        Assert.Null(MemberRejoin.Describe(memory, later.AddSeconds(-1)));
        Assert.Equal("eu-postgres-2", MemberRejoin.Next(Region(), observed, memory, later)!.Member);
        Assert.Equal(since, MemberRejoin.Track(observed, since, later));
        Assert.Null(MemberRejoin.Next(Region(), Change(observed, 1, _ => null), memory, later));
        Assert.Null(MemberRejoin.Next(Region(), observed with { Synchrony = null }, memory, later));
        Assert.Null(
            MemberRejoin.Next(Region(), observed, memory with { RebuiltAt = new Dictionary<string, DateTimeOffset> { ["eu-postgres-2"] = Now } }, later)
        );
        var manual = Region();
        manual.Spec = manual.Spec with { Postgres = manual.Spec.Postgres! with { Rejoin = RejoinPolicy.Manual } };
        Assert.Null(MemberRejoin.Next(manual, observed, memory, later));
        // What only it has is not saved yet.
        observed.PodOf("eu-postgres-2")!.Metadata.Annotations = new Dictionary<string, string>
        {
            [Labels.SavedChanges] = """{ "count": 0, "files": [], "saving": true }""",
        };
        Assert.Null(MemberRejoin.Next(Region(), observed, memory, later));
    }

    [Theory]
    [InlineData("creating replica")]
    public void Rejoin_ReplicaThatCopies_IsLeftAlone(string state) =>
        Assert.Empty(
            MemberRejoin.Track(
                Change(Observe(New, New, New), 2, member => member with { ReplicationState = null, State = state }),
                new Dictionary<string, MemberAbsence>(),
                Now
            )
        );

    // It does not say that a replica has diverged.
    [Fact]
    public void Rejoin_WithoutAPrimary_TracksNobody() =>
        Assert.Empty(
            MemberRejoin.Track(Change(Observe(New, New, New), 0, _ => null), new Dictionary<string, MemberAbsence> { ["eu-postgres-2"] = new(Now, 1) }, Now)
        );

    // Its walreceiver starts twice a second, and ends with "requested WAL segment has already been removed". Sometimes it is seen while it starts.
    [Fact]
    public void Rejoin_ReplicaThatBeginsToStreamAgainAndAgain_IsAwayUntilItGetsOn()
    {
        var behind = new PatroniPosition { Received = Written - (2 * PostgresRollout.MaxLag) };
        var ended = Change(Observe(New, New, New), 2, member => member with { ReplicationState = null, Position = behind });
        var began = Change(Observe(New, New, New), 2, member => member with { Position = behind });
        var away = MemberRejoin.Track(ended, new Dictionary<string, MemberAbsence>(), Now);

        away = MemberRejoin.Track(began, away, Now.AddMinutes(1));
        away = MemberRejoin.Track(ended, away, Now.AddMinutes(2));
        Assert.Equal(["eu-postgres-2"], MemberRejoin.FindDiverged(new PostgresMemory { Away = away }, Now + MemberRejoin.Limit));
        var stalled = MemberRejoin.FindStalled(new PostgresMemory { Away = away }, Now.AddSeconds(10));
        Assert.Equal(["eu-postgres-2"], stalled);
        // It is told so all the time, not only while it says so itself.
        var plan = PostgresPlan.Of(Region(), WithSet(began, 3, Durability.Sync), PostgresMemory.None, Now) with
        {
            Stalled = stalled,
        };
        var (_, conditions) = PostgresStatusRules.Build(Region(), began, plan, Now.AddMinutes(1));
        Assert.True(conditions.IsTrue(ConditionTypes.PostgresDegraded));
        // One that lags and gets on is not away.
        var further = Change(began, 2, member => member with { Position = new PatroniPosition { Received = behind.Received + 1 } });
        Assert.Empty(MemberRejoin.Track(further, away, Now.AddMinutes(2)));
        Assert.Empty(MemberRejoin.Track(Observe(New, New, New), away, Now.AddMinutes(2)));
    }

    // Patroni says "Still starting up as a standby" for ever: its server waits for a part of the log that nobody has.
    [Fact]
    public void Rejoin_ReplicaThatDoesNotGetOverItsStart_IsCopiedAfterTenMinutes()
    {
        var starting = Change(Observe(New, New, New), 2, member => member with { State = "starting", ReplicationState = null, Position = null });
        var away = MemberRejoin.Track(starting, new Dictionary<string, MemberAbsence>(), Now);
        away = MemberRejoin.Track(starting, away, Now.AddMinutes(9));
        var memory = PostgresMemory.None with { Away = away };

        Assert.Empty(MemberRejoin.FindStalled(memory, Now.AddMinutes(9)));
        Assert.Null(Next(Now.AddMinutes(9)));
        Assert.Equal("eu-postgres-2", Next(Now.AddMinutes(10))?.Member);
        Assert.Equal("eu-postgres-2 did not start within 10 minutes", MemberRejoin.Describe(memory, Now.AddMinutes(10)));

        // What it needs after a long start is counted from its end.
        var started = Change(Observe(New, New, New), 2, member => member with { ReplicationState = null });
        memory = PostgresMemory.None with { Away = MemberRejoin.Track(started, away, Now.AddMinutes(10)) };
        Assert.Null(Next(Now.AddMinutes(12)));
        Assert.NotNull(Next(Now.AddMinutes(13)));

        RolloutStep.Rebuild? Next(DateTimeOffset at) => MemberRejoin.Next(Region(), WithSet(starting, 3, Durability.Sync), memory, at);
    }

    [Fact]
    public void Describe_MembersWithDifferentCauses_TellsEachItsOwn()
    {
        var memory = new PostgresMemory
        {
            Away = new Dictionary<string, MemberAbsence>
            {
                ["eu-postgres-0"] = new(Now.AddMinutes(-10), null, IsStarting: true),
                ["eu-postgres-1"] = new(Now.AddMinutes(-3), null),
                ["eu-postgres-2"] = new(Now.AddMinutes(-10), null, IsStarting: true),
                ["eu-postgres-3"] = new(Now.AddMinutes(-9), null, IsStarting: true),
            },
        };

        Assert.Equal(
            "eu-postgres-1 answered and received no changes for 3 minutes; eu-postgres-0, eu-postgres-2 did not start within 10 minutes",
            MemberRejoin.Describe(memory, Now)
        );
    }

    // Nobody writes in a standby region, so that no replica is synchronous.
    [Fact]
    public void Of_StandbyRegion_IsChangedInTheSameOrder()
    {
        Assert.True(Roll(Standby(New, New, New)).IsDone);
        Assert.Equal("eu-postgres-2", Assert.IsType<RolloutStep.Replace>(Roll(Standby(Old, Old, Old)).Step).Member);
        var move = Assert.IsType<RolloutStep.Switchover>(Roll(Standby(Old, New, New)).Step);
        Assert.Equal(("eu-postgres-0", "eu-postgres-1"), (move.Member, move.To));
        var behind = Change(Standby(Old, Old, Old), 2, member => member with { Position = new PatroniPosition { Received = 1 } });
        Assert.Contains("eu-postgres-2", Roll(behind).Blocked, StringComparison.Ordinal);
        Assert.Equal(4, Scale(Live(5, Standby(New, New, New, New, New))).Replicas);
    }

    // Its members have at least what the primary region has, until that has less.
    [Fact]
    public void Of_StandbyRegionWithLoweredParameters_RestartsNobody()
    {
        Assert.True(Roll(Pend(Pend(Standby(New, New, New), 0, Lowered), 1, Lowered)).IsDone);
        Assert.IsType<RolloutStep.Restart>(Roll(Pend(Standby(New, New, New), 1, Shared)).Step);
    }

    [Fact]
    public void Rejoin_ReplicaOfAStandbyRegion_IsCopiedAnew()
    {
        var ended = Change(Standby(New, New, New), 2, member => member with { ReplicationState = null });
        var memory = PostgresMemory.None with { Away = MemberRejoin.Track(ended, new Dictionary<string, MemberAbsence>(), Now) };

        Assert.Equal("eu-postgres-2", MemberRejoin.Next(Region(), WithSet(ended, 3, Durability.Sync), memory, Now + MemberRejoin.Limit)?.Member);
    }

    [Fact]
    public void Follow_RequestInAStandbyRegion_IsRefused()
    {
        Assert.Equal((SwitchoverState.Refused, null), Ask(Standby(New, New, New), "any@4"));
        Assert.Equal((SwitchoverState.Done, null), Ask(Standby(New, New, New), "any@3", SwitchoverState.Done));
    }

    [Fact]
    public void Status_OfAStandbyRegion_TellsWhomItFollowsAndOfNoSynchrony()
    {
        var (eu, us) = (Region(), Region());
        us.Metadata.Uid = "u-2";
        us.Metadata.Name = "us";
        us.Spec = us.Spec with { Region = "us" };
        us.Status = new RegionStatus
        {
            Role = RegionRole.Primary,
            Postgres = new PostgresStatus { SystemIdentifier = "77" },
            Conditions =
            [
                new V1Condition
                {
                    Type = ConditionTypes.PostgresReady,
                    Status = "False",
                    Message = "No member accepts writes.",
                },
            ],
        };
        eu.Status = new RegionStatus
        {
            Role = RegionRole.Standby,
            Topology = new TopologyStatus { PrimaryRegion = "us" },
            Postgres = new PostgresStatus { SystemIdentifier = "77" },
        };
        var observed = Standby(New, New, New) with { Group = [eu, us], Connection = new V1Secret() };

        var (status, conditions) = Tell(observed);
        Assert.Equal((null, "eu-postgres-0", 3), (status.Primary, status.StandbyLeader, status.ReadyInstances));
        Assert.True(conditions.IsTrue(ConditionTypes.PostgresReady));
        Assert.True(conditions.IsTrue(ConditionTypes.StandbyReplicating));
        Assert.DoesNotContain(conditions.Conditions, condition => condition.Type == ConditionTypes.SyncReplicationHealthy);

        // It receives nothing, and the primary region tells why.
        (_, conditions) = Tell(Change(observed, 0, member => member with { ReplicationState = null }));
        var replicating = Find(conditions);
        Assert.Equal(("False", Reasons.NotReceiving), (replicating.Status, replicating.Reason));
        Assert.Contains("us-postgres-rw.shop.svc:5432", replicating.Message, StringComparison.Ordinal);
        Assert.Contains("No member accepts writes", replicating.Message, StringComparison.Ordinal);

        // Whatever the member says for a moment.
        us.Status = us.Status with
        {
            Postgres = us.Status.Postgres with { Standbys = [new PostgresStandby { Region = "eu-west", State = StandbyState.Lost }] },
        };
        Assert.Equal(Reasons.SlotLost, Find(Tell(observed).Conditions).Reason);

        (PostgresStatus Status, ConditionList Conditions) Tell(ObservedPostgres seen) =>
            PostgresStatusRules.Build(eu, seen, PostgresPlan.Of(eu, WithSet(seen, 3, Durability.Sync), PostgresMemory.None, Now), Now);
        static V1Condition Find(ConditionList conditions) => conditions.Conditions.Single(condition => condition.Type == ConditionTypes.StandbyReplicating);
    }

    [Fact]
    public void Track_StandbyRegionThatBeginsToStreamAgainAndAgain_WaitsUntilItGetsOn()
    {
        var streaming = Standby(New, New, New);
        var ended = Change(streaming, 0, member => member with { ReplicationState = null });
        Assert.Null(StandbyWait.Track(streaming, null, Now));
        var wait = StandbyWait.Track(ended, null, Now);
        Assert.Equal(Written, wait?.Received);

        wait = StandbyWait.Track(streaming, wait, Now.AddSeconds(4));
        Assert.NotNull(wait);
        wait = StandbyWait.Track(ended, wait, Now.AddSeconds(8));
        wait = StandbyWait.Track(streaming, wait, Now.AddSeconds(9));
        Assert.NotNull(StandbyWait.Track(streaming, wait, Now.AddSeconds(13)));
        Assert.Null(StandbyWait.Track(streaming, wait, Now.AddSeconds(14)));
        var further = Change(streaming, 0, member => member with { Position = new PatroniPosition { Received = Written + 1 } });
        Assert.Null(StandbyWait.Track(further, wait, Now.AddSeconds(10)));
        Assert.Null(StandbyWait.Track(Observe(New, New, New), wait, Now.AddSeconds(10)));
    }

    private static ObservedPostgres Standby(params string[] revisions) =>
        Change(
            Observe(revisions),
            0,
            member =>
                member with
                {
                    Role = "standby_leader",
                    ReplicationState = "streaming",
                    Position = new PatroniPosition { Received = Written },
                    Replication = null,
                }
        ) with
        {
            Synchrony = Synchrony("eu-postgres-7"),
        };

    private static IReadOnlyList<string> All => ["eu-postgres-0", "eu-postgres-1", "eu-postgres-2"];

    private static ObservedPostgres WithRoom(ObservedPostgres observed, params IEnumerable<long> free)
    {
        foreach (var (ordinal, room) in free.Index())
            observed.PodOf($"eu-postgres-{ordinal}")!.Metadata.Annotations = new Dictionary<string, string> { [Labels.Volume] = $"{room}/{1 << 30}" };
        return observed;
    }

    private static PostgresScale Scale(ObservedPostgres observed) => PostgresScale.Of(Region(), observed, PostgresMemory.None, Now);

    private static ObservedPostgres Live(int replicas, ObservedPostgres observed) =>
        observed with
        {
            StatefulSet = new V1StatefulSet { Spec = new V1StatefulSetSpec { Replicas = replicas } },
        };

    private static (string? State, string? To) Ask(ObservedPostgres observed, string value, string? told = null)
    {
        var status = new PostgresStatus { Switchover = told is null ? null : new PostgresSwitchoverStatus { Request = value, State = told } };
        var region = Region(status: status);
        region.Metadata.Annotations = new Dictionary<string, string> { [Labels.Switchover] = value };
        var (now, step) = SwitchoverRequest.Follow(region, observed, PostgresMemory.None, ["eu-postgres-0", "eu-postgres-1", "eu-postgres-2"]);
        return (now?.State, step?.To);
    }

    private static PostgresRollout Roll(ObservedPostgres observed, PostgresMemory? memory = null, int instances = 3, string durability = Durability.Sync) =>
        PostgresRollout.Of(Region(instances, durability), WithSet(observed, instances, durability), memory ?? PostgresMemory.None, instances, Now);

    private static V1Alpha1ShortenerRegion Region(int instances = 3, string durability = Durability.Sync, PostgresStatus? status = null) =>
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
                Postgres = new PostgresSpec
                {
                    Image = "registry.example/postgres:17",
                    Instances = instances,
                    Durability = durability,
                },
            },
            Status = new RegionStatus { Postgres = status },
        };

    private static ObservedPostgres Observe(params string[] revisions)
    {
        var members = Enumerable.Range(0, revisions.Length).ToDictionary(ordinal => $"eu-postgres-{ordinal}", Member);
        return new ObservedPostgres
        {
            Lock = new PatroniLock("eu-postgres-0", Now, "7"),
            Pods = [.. revisions.Select((revision, ordinal) => Pod(ordinal, revision))],
            Members = members,
            Synchrony = Synchrony("eu-postgres-1,eu-postgres-2"),
            StatefulSet = new V1StatefulSet { Metadata = new V1ObjectMeta { Annotations = new Dictionary<string, string>() } },
        };

        PatroniMember Member(int ordinal) =>
            ordinal == 0
                ? new PatroniMember
                {
                    State = "running",
                    Role = "primary",
                    Timeline = 4,
                    Position = new PatroniPosition { Written = Written },
                    Replication =
                    [
                        .. Enumerable
                            .Range(1, revisions.Length - 1)
                            .Select(replica => new PatroniReplica
                            {
                                Name = $"eu-postgres-{replica}",
                                State = "streaming",
                                SyncState = "quorum",
                            }),
                    ],
                }
                : new PatroniMember
                {
                    State = "running",
                    Role = "replica",
                    ReplicationState = "streaming",
                    Timeline = 4,
                    Position = new PatroniPosition { Received = Written - ordinal },
                };
    }

    // As the operator applied it.
    private static ObservedPostgres WithSet(ObservedPostgres observed, int instances, string durability)
    {
        var set = PostgresResources.BuildStatefulSet(Region(instances, durability), instances);
        var digest = observed.StatefulSet!.Metadata.Annotations.TryGetValue(Labels.AppliedDigest, out var other) ? other : Digest.OfObject(set);
        set.Metadata.Annotations = new Dictionary<string, string> { [Labels.AppliedDigest] = digest };
        set.Status = new V1StatefulSetStatus { UpdateRevision = New };
        return observed with { StatefulSet = set };
    }

    private static V1ConfigMap Synchrony(string names, string leader = "eu-postgres-0") =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Annotations = new Dictionary<string, string> { ["leader"] = leader, ["sync_standby"] = names },
            },
        };

    private static ObservedPostgres Pend(ObservedPostgres observed, int ordinal, Dictionary<string, PatroniChange> reasons) =>
        Change(observed, ordinal, member => member with { PendingRestart = true, PendingReasons = reasons });

    private static ObservedPostgres Change(ObservedPostgres observed, int ordinal, Func<PatroniMember, PatroniMember?> change)
    {
        var members = new Dictionary<string, PatroniMember>(observed.Members);
        var name = $"eu-postgres-{ordinal}";
        if (change(members[name]) is { } changed)
            members[name] = changed;
        else
            members.Remove(name);
        return observed with { Members = members };
    }

    private static ObservedPostgres Break(ObservedPostgres observed, int ordinal)
    {
        observed.Pods[ordinal].Status.ContainerStatuses[0].State = new V1ContainerState
        {
            Waiting = new V1ContainerStateWaiting { Reason = "ImagePullBackOff" },
        };
        return observed;
    }

    private static V1Pod Pod(int ordinal, string revision) =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = $"eu-postgres-{ordinal}",
                Uid = $"uid-{ordinal}",
                Labels = new Dictionary<string, string> { ["controller-revision-hash"] = revision },
            },
            Status = new V1PodStatus
            {
                Phase = "Running",
                ContainerStatuses =
                [
                    new V1ContainerStatus
                    {
                        Name = PostgresNames.Container,
                        ContainerID = "id-1",
                        State = new V1ContainerState { Running = new V1ContainerStateRunning() },
                    },
                ],
            },
        };
}
