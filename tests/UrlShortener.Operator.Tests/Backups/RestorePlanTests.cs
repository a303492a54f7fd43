using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Backups;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using Xunit;

namespace UrlShortener.Operator.Tests.Backups;

/// <summary>When a restore is started, and what its end means.</summary>
public sealed class RestorePlanTests
{
    private static readonly DateTimeOffset Now = new(2030, 1, 31, 12, 0, 0, TimeSpan.Zero);
    private static readonly RestoreSpec Spec = new() { Path = "/shop/eu/1-2" };

    [Fact]
    public void Of_NewRegion_StartsARestore() => Assert.Equal(BackupKind.Restore, Plan(Spec, new RestoreStatus()).Starts?.Kind);

    [Fact]
    public void Of_DatabaseThatExists_StartsNone()
    {
        Assert.Null(Plan(Spec, new RestoreStatus { Succeeded = true }).Starts);
        Assert.Null(Plan(Spec, new RestoreStatus(), system: "7713").Starts);
    }

    [Fact]
    public void Of_TargetAfterTheLastCommit_WaitsForAnotherTarget()
    {
        const string Report = """{"ok":false,"reason":"target","error":"recovery ended before configured recovery target was reached"}""";
        var plan = Plan(Spec, new RestoreStatus(), Job(Spec, "Failed"), Report);

        Assert.Equal("recovery ended before configured recovery target was reached", plan.Status.Message);
        Assert.False(plan.Status.Succeeded);
        Assert.Null(plan.Starts);
        Assert.Null(Plan(Spec, plan.Status, Job(Spec, "Failed"), Report, Now.AddDays(1)).Starts);
        Assert.NotNull(Plan(Spec with { TargetTime = Now.UtcDateTime }, plan.Status, Job(Spec, "Failed"), Report).Starts);
    }

    [Fact]
    public void Of_StorageThatDoesNotAnswer_IsAskedAgainLater()
    {
        const string Report = """{"ok":false,"reason":"pgbackrest","error":"unable to connect"}""";
        var plan = Plan(Spec, new RestoreStatus(), Job(Spec, "Failed"), Report);

        Assert.Equal(1, plan.Status.FailedRuns);
        Assert.Null(plan.Starts);
        Assert.NotNull(Plan(Spec, plan.Status, Job(Spec, "Failed"), Report, Now.AddMinutes(1)).Starts);
    }

    [Fact]
    public void Of_RestoreThatSucceeded_TellsWhatItHas()
    {
        var plan = Plan(
            Spec,
            new RestoreStatus(),
            Job(Spec, "Complete"),
            """{"ok":true,"rows":11,"lastCommit":"2030-01-31T09:52:57.186576Z","copySeconds":1.6,"seconds":3.8}"""
        );

        Assert.True(plan.Status.Succeeded);
        Assert.Equal(11, plan.Status.Links);
        Assert.Equal(new DateTime(2030, 1, 31, 9, 52, 57, 186, 576, DateTimeKind.Utc), plan.Status.LastCommitTime);
        Assert.Null(plan.Starts);
    }

    [Fact]
    public void Of_RestoreWhoseReportNobodyRead_Succeeded() =>
        Assert.True(Plan(Spec, new RestoreStatus(), Job(Spec, "Complete"), now: Now.AddMinutes(1)).Status.Succeeded);

    // Once the volume is deleted, nothing else has to be changed.
    [Fact]
    public void Of_VolumeWithADatabase_IsTriedAgain()
    {
        var plan = Plan(Spec, new RestoreStatus(), Job(Spec, "Failed"), """{"ok":false,"reason":"occupied","error":"the volume already has a database"}""");

        Assert.Equal(1, plan.Status.FailedRuns);
    }

    [Fact]
    public void Of_ArchiveWithAGap_WaitsForAnotherTarget()
    {
        const string Report = """{"ok":false,"reason":"gap","error":"the archive reaches to segment 00000001000000000000000A, but …"}""";
        var plan = Plan(Spec, new RestoreStatus(), Job(Spec, "Failed"), Report);

        Assert.Null(Plan(Spec, plan.Status, Job(Spec, "Failed"), Report, Now.AddDays(1)).Starts);
    }

    // A second Job at once would meet the pod of the first one on the volume.
    [Fact]
    public void Of_JobThatWasDeletedWhileItRan_IsAFailedRun()
    {
        var started = Plan(Spec, new RestoreStatus(), Job(Spec, null));
        Assert.Equal("eu-backup-1", started.Status.Running);
        var plan = Plan(Spec, started.Status);

        Assert.Equal(("eu-backup-1", false, 1), (plan.Ended?.Job, plan.Ended?.Succeeded, plan.Status.FailedRuns));
        Assert.Null(plan.Starts);
        Assert.Null(Plan(Spec, plan.Status).Ended);
        var next = Plan(Spec, plan.Status, now: Now.AddMinutes(1)).Starts!;
        Assert.Equal($"{Digest.OfObject(Spec)} after eu-backup-1", next.Cause);
    }

    [Fact]
    public void Of_PodThatDoesNotStart_IsGivenUpAndTriedAgain()
    {
        var job = Job(Spec, null);
        job.Metadata.CreationTimestamp = Now.UtcDateTime;
        var plan = Plan(Spec, new RestoreStatus(), job, now: Now.AddMinutes(2));
        Assert.Equal(("False", Reasons.PodsRefused), Condition(plan));
        Assert.Empty(plan.Deletes);

        plan = Plan(Spec, plan.Status, job, now: Now.AddMinutes(16));

        Assert.Equal([job], plan.Deletes);
        Assert.Equal(1, plan.Status.FailedRuns);
        Assert.NotNull(Plan(Spec, plan.Status, now: Now.AddMinutes(17)).Starts);
    }

    private static (string, string) Condition(RestorePlan plan)
    {
        var condition = BackupStatusRules
            .Build(
                new V1Alpha1ShortenerRegion { Metadata = new V1ObjectMeta() },
                new ObservedBackups(),
                (new BackupPlan { Status = new BackupStatus() }, null, plan),
                Now
            )
            .Conditions.Single(condition => condition.Type == ConditionTypes.RestoreSucceeded);
        return (condition.Status, condition.Reason);
    }

    // It copies the primary region.
    [Fact]
    public void Of_StandbyRegion_StartsNone()
    {
        var region = new V1Alpha1ShortenerRegion
        {
            Metadata = new V1ObjectMeta { Name = "eu", NamespaceProperty = "shop" },
            Spec = new RegionSpec { Postgres = new PostgresSpec { Restore = Spec } },
            Status = new RegionStatus
            {
                Role = RegionRole.Standby,
                Topology = new TopologyStatus { PrimaryRegion = "us" },
            },
        };
        var plan = RestorePlan.Of(region, new ObservedBackups(), Now)!;

        Assert.Null(plan.Starts);
        Assert.Equal(Reasons.StandbyRegion, plan.Obstacle?.Reason);
        region.Status = new RegionStatus { Role = RegionRole.Standby, Topology = new TopologyStatus() };
        Assert.NotNull(RestorePlan.Of(region, new ObservedBackups(), Now)!.Starts);
    }

    [Fact]
    public void Of_RestoreThatRuns_StartsNoOther() => Assert.Null(Plan(Spec, new RestoreStatus(), Job(Spec, null)).Starts);

    private static RestorePlan Plan(
        RestoreSpec spec,
        RestoreStatus status,
        V1Job? job = null,
        string? report = null,
        DateTimeOffset? now = null,
        string? system = null
    ) =>
        RestorePlan.Of(
            new V1Alpha1ShortenerRegion
            {
                Metadata = new V1ObjectMeta { Name = "eu", NamespaceProperty = "shop" },
                Spec = new RegionSpec { Postgres = new PostgresSpec { Restore = spec } },
                Status = new RegionStatus
                {
                    Postgres = new PostgresStatus { SystemIdentifier = system },
                    Backup = new BackupStatus { Restore = status },
                },
            },
            new ObservedBackups
            {
                Jobs = job is null ? [] : [job],
                Reports = job is null || report is null ? new Dictionary<string, string>() : new Dictionary<string, string> { [job.Metadata.Name] = report },
            },
            now ?? Now
        )!;

    private static V1Job Job(RestoreSpec spec, string? end) =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = "eu-backup-1",
                Labels = new Dictionary<string, string> { [BackupResources.KindLabel] = nameof(BackupKind.Restore) },
                Annotations = new Dictionary<string, string> { [BackupResources.DigestAnnotation] = Digest.OfObject(spec) },
            },
            Status = new V1JobStatus
            {
                Conditions = end is null
                    ? null
                    :
                    [
                        new V1JobCondition
                        {
                            Type = end,
                            Status = "True",
                            LastTransitionTime = Now.UtcDateTime,
                        },
                    ],
            },
        };
}
