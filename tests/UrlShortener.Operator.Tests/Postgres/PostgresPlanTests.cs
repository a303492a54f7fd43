using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Pods;
using UrlShortener.Operator.Postgres;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

public sealed class PostgresPlanTests
{
    private static readonly DateTimeOffset Now = new(2030, 1, 31, 12, 0, 0, TimeSpan.Zero);
    private static readonly PatroniMember Primary = new()
    {
        State = "running",
        Role = "primary",
        SystemIdentifier = "1",
    };
    private static readonly PatroniMember Replica = new()
    {
        State = "running",
        Role = "replica",
        ReplicationState = "streaming",
    };

    [Fact]
    public void Of_PrimaryThatRuns_TakesNoLockAway() => Assert.Null(Plan(Observe("eu-postgres-0", [Pod(0), Pod(1)]), Know()).Assist);

    [Fact]
    public void Of_PrimaryWhosePodIsNotReady_TakesNoLockAway()
    {
        var pod = Pod(0);
        pod.Status.Conditions = [new V1PodCondition { Type = "Ready", Status = "False" }];
        Assert.Null(Plan(Observe("eu-postgres-0", [pod, Pod(1)]) with { Members = Members((1, Replica)) }, Know()).Assist);
    }

    [Fact]
    public void Of_PrimaryWhoseContainerEnded_TakesTheLockAway()
    {
        var plan = Plan(Observe("eu-postgres-0", [Ended(Pod(0)), Pod(1)]), Know());

        Assert.Equal(("eu-postgres-0", "its container ended with exit code 137"), plan.Assist);
    }

    [Fact]
    public void Of_DeadPrimaryWithoutTheLock_TakesNoLockAway() => Assert.Null(Plan(Observe("eu-postgres-1", [Ended(Pod(0)), Pod(1)]), Know()).Assist);

    [Fact]
    public void Of_DeadPrimaryWhileElectionsArePaused_TakesNoLockAway() =>
        Assert.Null(Plan(Observe("eu-postgres-0", [Ended(Pod(0)), Pod(1)]) with { Members = Members((1, Replica with { Paused = true })) }, Know()).Assist);

    [Fact]
    public void Of_DeadPrimaryWithoutAssistance_TakesNoLockAway() =>
        Assert.Null(Plan(Observe("eu-postgres-0", [Ended(Pod(0)), Pod(1)]), Know(), new PostgresSpec { AssistedFailover = false }).Assist);

    [Fact]
    public void Of_PrimaryStartedAgainThatRenewedTheLock_TakesNoLockAway()
    {
        var pod = Pod(0);
        pod.Status.ContainerStatuses[0].ContainerID = "id-2";
        pod.Status.ContainerStatuses[0].State.Running.StartedAt = Now.UtcDateTime.AddSeconds(-5);

        Assert.Null(Plan(Observe("eu-postgres-0", [pod, Pod(1)], renewedAt: Now), Know()).Assist);
        Assert.NotNull(Plan(Observe("eu-postgres-0", [pod, Pod(1)], renewedAt: Now.AddSeconds(-9)), Know()).Assist);
    }

    [Fact]
    public void Of_PrimaryWithoutAPod_TakesNoLockAway() => Assert.Null(Plan(Observe("eu-postgres-0", [Pod(1)]), Know()).Assist);

    // An operator that has just started does not know which process held the lock.
    [Fact]
    public void Of_UnknownPrimaryWithAPod_TakesNoLockAway() => Assert.Null(Plan(Observe("eu-postgres-0", [Ended(Pod(0)), Pod(1)]), PostgresMemory.None).Assist);

    [Fact]
    public void Of_PodsWithTheLabelOfAPrimary_NamesThoseWithoutTheLock()
    {
        var (former, current) = (Pod(0), Pod(1));
        former.Metadata.Labels = new Dictionary<string, string> { [PostgresNames.RoleLabel] = PostgresNames.Primary };
        current.Metadata.Labels = former.Metadata.Labels;

        Assert.Equal(["eu-postgres-0"], Plan(Observe("eu-postgres-1", [former, current]), Know()).FalsePrimaries.Select(pod => pod.Metadata.Name));
    }

    [Fact]
    public void Track_RoleThatMoves_TellsFromToCauseAndDuration()
    {
        var lost = PostgresFailover.Track(Know(), Observe("eu-postgres-0", [Ended(Pod(0)), Pod(1)]) with { Members = Members((1, Replica)) }, Now);
        Assert.Null(lost.Ended);
        Assert.Equal(Now, lost.Memory.LostSince);

        var moved = Observe("eu-postgres-1", [Pod(0), Pod(1)]) with { Members = Members((0, Replica), (1, Primary)) };
        var native = PostgresFailover.Track(lost.Memory, moved, Now.AddSeconds(2));
        Assert.Equal(new PostgresFailover("eu-postgres-0", "eu-postgres-1", FailoverCause.Native, Now.AddSeconds(2), TimeSpan.FromSeconds(2)), native.Ended);
        Assert.Equal("eu-postgres-1", native.Memory.Process!.Pod);
        Assert.Null(PostgresFailover.Track(native.Memory, moved, Now.AddSeconds(3)).Ended);

        var assisted = PostgresFailover.Track(lost.Memory with { AssistedBecause = "it ended" }, moved, Now.AddSeconds(1));
        Assert.Equal(FailoverCause.Assisted, assisted.Ended!.Cause);
        Assert.Null(assisted.Memory.AssistedBecause);
    }

    [Fact]
    public void Of_CertificatesThatChanged_ReloadsForAWhileAndNotAtOnceAgain()
    {
        using var connections = new MemberConnections(CertificatePlan.Take(CertificateStep.Created, null, new CertificateProfile("eu", ["eu"]), Now), "eu");
        var memory = Know() with { Connections = connections, ReloadsUntil = Now.AddMinutes(5) };
        var observed = Observe("eu-postgres-0", [Pod(0), Pod(1)]);

        Assert.True(Plan(observed, memory).Reloads);
        Assert.False(Plan(observed, memory with { ReloadedAt = Now.AddSeconds(-19) }).Reloads);
        Assert.True(Plan(observed, memory with { ReloadedAt = Now.AddSeconds(-20) }).Reloads);
        Assert.False(Plan(observed, memory with { ReloadsUntil = Now }).Reloads);
        Assert.False(Plan(observed, Know()).Reloads);
    }

    // A write of the status that fails must not take the failover with it.
    [Fact]
    public void Of_FailoverThatIsNotToldYet_IsKept()
    {
        var observed = Observe("eu-postgres-1", [Pod(0), Pod(1)]) with { Members = Members((0, Replica), (1, Primary)) };
        var first = Plan(observed, Know()).Memory;
        Assert.Equal("eu-postgres-1", first.Untold!.To);
        Assert.Equal(first.Untold, Plan(observed, first).Memory.Untold);
        Assert.Null(Plan(observed, first with { Untold = null }).Memory.Untold);
    }

    [Fact]
    public void Status_OfAMemberThatAnswersAnything_FitsTheSchema()
    {
        var observed = Observe("eu-postgres-0", [Pod(0), Pod(1)]) with
        {
            Members = Members(
                (0, Primary with { SystemIdentifier = new string('1', 500) }),
                (1, new PatroniMember { State = new string('s', 500), Role = new string('r', 500) })
            ),
        };
        var (status, _) = PostgresStatusRules.Build(Region(null), observed, Plan(observed, Know()), Now);

        Assert.Equal(32, status.SystemIdentifier!.Length);
        Assert.All(status.Instances!, instance => Assert.True(instance.State!.Length <= 64 && (instance.Role ?? "").Length <= 32));
    }

    [Theory]
    [InlineData("54525952/1073741824", "False", "AsExpected")]
    [InlineData("41943040/1073741824", "True", "VolumeFull")]
    [InlineData("0/1073741824", "True", "VolumeFull")]
    // A large volume may be used to the last twentieth.
    [InlineData("10737418240/1099511627776", "False", "AsExpected")]
    [InlineData("much", "False", "AsExpected")]
    public void Degraded_VolumeOfAMember_IsToldWhenItIsNearlyFull(string told, string status, string reason)
    {
        var pod = Pod(1);
        pod.Metadata.Annotations = new Dictionary<string, string> { [Labels.Volume] = told };
        var observed = Observe("eu-postgres-0", [Pod(0), pod]);
        var region = Region(new PostgresSpec { Image = "postgres:17", Instances = 2 });
        var (_, conditions) = PostgresStatusRules.Build(region, observed, PostgresPlan.Of(region, observed, Know(), Now), Now);
        var degraded = conditions.Conditions.Single(condition => condition.Type == ConditionTypes.PostgresDegraded);

        Assert.Equal((status, reason), (degraded.Status, degraded.Reason));
    }

    // The cache shows only what has the operator's labels.
    [Fact]
    public void Of_PatroniMapsWithoutTheirLabels_AreNamed()
    {
        var region = Region(null);
        V1ConfigMap Map(string name) =>
            new()
            {
                Metadata = new V1ObjectMeta { Name = name, Labels = PostgresNames.PatroniLabelsOf(region) },
            };
        var (leader, config) = (Map("eu-postgres-leader"), Map("eu-postgres-config"));
        IReadOnlyList<string> Find(params V1ConfigMap[] maps) => PostgresPlan.Of(region, new ObservedPostgres { PatroniMaps = maps }, Know(), Now).Unlabelled;

        Assert.Empty(Find());
        region.Status = new RegionStatus { Postgres = new PostgresStatus { SystemIdentifier = "7713" } };
        Assert.Empty(Find(leader, config));
        Assert.Equal(["eu-postgres-leader"], Find(config));
        config.Metadata.Labels[PostgresNames.ScopeLabel] = "other";
        Assert.Equal(["eu-postgres-config"], Find(leader, config));
    }

    [Fact]
    public void Of_MembersWithoutTheirLabels_AreNamed()
    {
        var (one, other) = (Pod(0), Pod(1));
        one.Metadata.Labels = PostgresNames.PatroniLabelsOf(Region(null));
        other.Metadata.Labels = new Dictionary<string, string>();
        var observed = Observe("eu-postgres-0", [one, other]) with { StatefulSet = new V1StatefulSet { Spec = new V1StatefulSetSpec { Replicas = 3 } } };

        Assert.Equal(["eu-postgres-1", "eu-postgres-2"], Plan(observed, Know()).UnlabelledMembers);
    }

    // The user wrote something invalid, or the region is suspended.
    [Theory]
    [InlineData("1Mi", SuspendMode.None)]
    [InlineData("10Gi", SuspendMode.Changes)]
    public void Of_SpecificationThatIsNotApplied_ElectionsAndLabelsAreLookedAfter(string size, string suspend)
    {
        var region = Region(
            new PostgresSpec
            {
                Image = "postgres:17",
                Storage = new StorageSpec { Size = new ResourceQuantity(size) },
            }
        );
        region.Spec = region.Spec with { Suspend = suspend };
        region.Status = new RegionStatus { Postgres = new PostgresStatus { SystemIdentifier = "1" } };
        var (former, current) = (Ended(Pod(0)), Pod(1));
        current.Metadata.Labels = new Dictionary<string, string> { [PostgresNames.RoleLabel] = PostgresNames.Primary };
        var observed = Observe("eu-postgres-0", [former, current]) with { StatefulSet = new V1StatefulSet { Spec = new V1StatefulSetSpec { Replicas = 3 } } };

        var plan = PostgresPlan.Of(region, observed, Know(), Now);

        Assert.False(plan.Applies);
        Assert.Equal("eu-postgres-0", plan.Assist?.Primary);
        Assert.Equal(["eu-postgres-1"], plan.FalsePrimaries.Select(pod => pod.Metadata.Name));
        Assert.Equal(["eu-postgres-leader", "eu-postgres-config"], plan.Unlabelled);
        Assert.Equal(3, plan.UnlabelledMembers.Count);
        Assert.Null(plan.Step);
        Assert.Null(plan.Configuration);
    }

    [Fact]
    public void Track_FirstPrimary_IsNoFailover()
    {
        var (memory, ended) = PostgresFailover.Track(PostgresMemory.None, Observe("eu-postgres-0", [Pod(0)]), Now);
        Assert.Null(ended);
        Assert.Equal("eu-postgres-0", memory.Primary);
    }

    private static PostgresPlan Plan(ObservedPostgres observed, PostgresMemory memory, PostgresSpec? spec = null) =>
        PostgresPlan.Of(Region(spec), observed, memory, Now);

    private static V1Alpha1ShortenerRegion Region(PostgresSpec? spec) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = "eu", NamespaceProperty = "shop" },
            Spec = SpecJson.MinimalRegion() with { Connections = new ConnectionsSpec(), Postgres = spec ?? new PostgresSpec { Image = "postgres:17" } },
        };

    private static PostgresMemory Know() => new() { Primary = "eu-postgres-0", Process = RunningProcess.Of(Pod(0), PostgresNames.Container) };

    private static ObservedPostgres Observe(string leader, IReadOnlyList<V1Pod> pods, DateTimeOffset? renewedAt = null) =>
        new()
        {
            Lock = new PatroniLock(leader, renewedAt, "7"),
            Pods = pods,
            Members = Members((0, Primary), (1, Replica)),
        };

    private static Dictionary<string, PatroniMember> Members(params (int Ordinal, PatroniMember Member)[] members) =>
        members.ToDictionary(one => $"eu-postgres-{one.Ordinal}", one => one.Member);

    private static V1Pod Ended(V1Pod pod)
    {
        pod.Status.ContainerStatuses[0].State = new V1ContainerState { Terminated = new V1ContainerStateTerminated { ExitCode = 137 } };
        return pod;
    }

    private static V1Pod Pod(int ordinal) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = $"eu-postgres-{ordinal}", Uid = $"uid-{ordinal}" },
            Spec = new V1PodSpec { NodeName = "n1" },
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
