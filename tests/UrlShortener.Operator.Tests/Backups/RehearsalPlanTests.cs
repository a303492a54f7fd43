using k8s.Models;
using UrlShortener.Operator.Backups;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using Xunit;
using static UrlShortener.Operator.Tests.Backups.BackupSamples;

namespace UrlShortener.Operator.Tests.Backups;

/// <summary>When a restore is rehearsed, and what the end of a rehearsal means.</summary>
public sealed class RehearsalPlanTests
{
    private static readonly RehearsalStatus Known = new()
    {
        Job = "eu-backup-1",
        Succeeded = true,
        LastStartTime = Time("2030-01-27T05:17:05Z"),
        LastSuccessTime = Time("2030-01-27T05:18:00Z"),
        Links = 7,
    };

    [Fact]
    public void Of_TimeOfTheSchedule_StartsOne()
    {
        Assert.Null(Plan(Known).Starts);
        Assert.Equal(BackupKind.Rehearsal, Plan(Known, now: Now.AddDays(3)).Starts?.Kind);
    }

    // An older Job may still be there.
    [Fact]
    public void Of_JobThatWasDeletedWhileItRan_IsAFailedRehearsal()
    {
        var older = Job("eu-backup-1", "Complete", "2030-01-27T05:17:05Z", kind: BackupKind.Rehearsal);
        var started = Plan(Known, [older, Job("eu-backup-2", created: "2030-01-31T11:59:00Z", kind: BackupKind.Rehearsal)]);
        Assert.Equal("eu-backup-2", started.Status.Running);
        var plan = Plan(started.Status, [older]);

        Assert.Equal(("eu-backup-2", false), (plan.Ended?.Job, plan.Ended?.Succeeded));
        Assert.Null(plan.Status.Running);
        var condition = Condition(plan);
        Assert.Equal(("False", Reasons.RehearsalFailed), (condition.Status, condition.Reason));
        Assert.Contains("deleted before its result was read", condition.Message, StringComparison.Ordinal);
        Assert.Contains("2030-01-27T05:18:00Z", condition.Message, StringComparison.Ordinal);
        Assert.Null(Plan(plan.Status, [older]).Ended);
        // The next one comes at its time.
        Assert.Null(Plan(plan.Status, [older]).Starts);
        Assert.NotNull(Plan(plan.Status, [older], now: Now.AddDays(3)).Starts);
    }

    // Kubernetes keeps the volume for as long as there is the pod.
    [Fact]
    public void Of_RehearsalThatEnded_LosesItsPodOnceItsResultIsStored()
    {
        const string Report = """{"ok":true,"rows":7,"seconds":1}""";
        var job = Job("eu-backup-2", "Complete", "2030-01-31T11:59:00Z", Now, BackupKind.Rehearsal);
        var pod = Pod("eu-backup-2");
        var read = Plan(Known, [job], [pod], report: Report);
        Assert.Equal("eu-backup-2", read.Ended?.Job);
        Assert.Empty(read.DeletesPods);
        Assert.Equal([pod], Plan(read.Status, [job], [pod], report: Report).DeletesPods);
        pod.Metadata.DeletionTimestamp = Now.UtcDateTime;
        Assert.Empty(Plan(read.Status, [job], [pod], report: Report).DeletesPods);
    }

    [Fact]
    public void Of_RehearsalThatFailed_KeepsItsPodWithTheLogUntilTheNextOneBegins()
    {
        var failed = Job("eu-backup-2", "Failed", "2030-01-31T11:59:00Z", Now, BackupKind.Rehearsal);
        var pods = new[] { Pod("eu-backup-2"), Pod("eu-backup-3") };
        var status = Plan(Known, [failed], pods, now: Now.AddMinutes(1)).Status;
        Assert.Equal(("eu-backup-2", false), (status.Job, status.Succeeded));
        Assert.Empty(Plan(status, [failed], pods, now: Now.AddMinutes(1)).DeletesPods);

        V1Job[] both = [failed, Job("eu-backup-3", created: "2030-01-31T12:05:00Z", kind: BackupKind.Rehearsal)];
        var next = Plan(status, both, pods, now: Now.AddMinutes(6));
        Assert.Equal("eu-backup-3", next.Status.Running);
        Assert.Equal([pods[0]], Plan(next.Status, both, pods, now: Now.AddMinutes(6)).DeletesPods);
    }

    [Fact]
    public void Of_NoRehearsalsAnyMore_DeletesTheirJobs()
    {
        var job = Job("eu-backup-2", "Complete", "2030-01-31T11:59:00Z", Now, BackupKind.Rehearsal);
        var observed = new ObservedBackups { Jobs = [job], Credentials = new V1Secret() };

        Assert.Equal([job], BackupPlan.Of(Region(), observed, Now).Deletes);
        Assert.Empty(BackupPlan.Of(Rehearsed(Region()), observed, Now).Deletes);
    }

    // Each of them copies the whole database.
    [Fact]
    public void Of_RehearsalsOfEveryMinuteThatFail_ComeMoreAndMoreSeldom()
    {
        var status = Known;
        var (starts, now) = (0, Now);
        for (; now < Now.AddHours(24); now = now.AddMinutes(1))
        {
            if (Plan(status, now: now, schedule: "* * * * *").Starts is null)
                continue;
            starts++;
            var job = Job($"eu-backup-{starts + 1}", "Failed", now.ToString("O"), now, BackupKind.Rehearsal);
            status = Plan(status, [job], now: now.AddSeconds(30), schedule: "* * * * *").Status;
            Assert.Equal(starts, status.FailedRuns);
        }

        Assert.InRange(starts, 24, 30);
        // One that works ends the delay.
        var last = Job("eu-backup-last", "Complete", now.ToString("O"), now, BackupKind.Rehearsal);
        var worked = Plan(status, [last], now: now, schedule: "* * * * *", report: """{"ok":true,"rows":7,"seconds":1}""").Status;
        Assert.Null(worked.FailedRuns);
        Assert.NotNull(Plan(worked, [last], now: now.AddMinutes(1), schedule: "* * * * *").Starts);
    }

    [Fact]
    public void Of_VolumeThatNobodyProvides_IsToldAndGivenUp()
    {
        List<V1Job> jobs = [Job("eu-backup-2", created: "2030-01-31T11:59:00Z", kind: BackupKind.Rehearsal)];
        var pod = Pod("eu-backup-2", "ContainerCreating");
        pod.Status.Conditions =
        [
            new V1PodCondition
            {
                Type = "PodScheduled",
                Status = "False",
                LastTransitionTime = Now.AddMinutes(-1).UtcDateTime,
                Message = "pod has unbound immediate PersistentVolumeClaims",
            },
        ];
        var plan = Plan(Known, jobs, pods: [pod]);
        Assert.Equal(("False", Reasons.Unschedulable), (Condition(plan).Status, Condition(plan).Reason));
        Assert.Empty(plan.Deletes);

        plan = Plan(plan.Status, jobs, pods: [pod], now: Now.AddMinutes(15));

        Assert.Equal(jobs, plan.Deletes);
        Assert.Equal(("eu-backup-2", false), (plan.Ended?.Job, plan.Ended?.Succeeded));
        Assert.Contains("unbound immediate PersistentVolumeClaims", plan.Status.Message, StringComparison.Ordinal);
        Assert.Equal(jobs, Plan(plan.Status, jobs, pods: [pod], now: Now.AddMinutes(15)).Deletes);
        Assert.Null(Plan(plan.Status, now: Now.AddMinutes(16)).Starts);
    }

    [Fact]
    public void Of_AnotherRepository_HasNotBeenRehearsed()
    {
        var plan = Plan(Known, of: Region("s3.elsewhere"));

        Assert.Null(plan.Status.Succeeded);
        Assert.Null(plan.Status.LastSuccessTime);
    }

    // Without the webhook, such a region is accepted.
    [Fact]
    public void Condition_ScheduleThatIsNone_IsToldByTheBackups()
    {
        var region = Region();
        region.Spec = region.Spec with
        {
            Postgres = region.Spec.Postgres! with { Backup = region.Spec.Postgres.Backup! with { Rehearsal = new RehearsalSpec { Schedule = "99 * * * *" } } },
        };
        region.Status = region.Status! with { Backup = new BackupStatus { Rehearsal = Known } };
        var observed = new ObservedBackups { Credentials = new V1Secret() };
        var backup = BackupPlan.Of(region, observed, Now);
        var conditions = BackupStatusRules.Build(region, observed, (backup, RehearsalPlan.Of(region, observed, backup, Now), null), Now).Conditions;

        Assert.Equal(Reasons.InvalidSpec, conditions.Single(condition => condition.Type == ConditionTypes.LastBackupSucceeded).Reason);
    }

    private static V1Condition Condition(RehearsalPlan plan)
    {
        var region = Rehearsed(Region());
        return BackupStatusRules
            .Build(region, new ObservedBackups { Credentials = new V1Secret() }, (new BackupPlan { Status = new BackupStatus() }, plan, null), Now)
            .Conditions.Single(condition => condition.Type == ConditionTypes.LastRehearsalSucceeded);
    }

    private static RehearsalPlan Plan(
        RehearsalStatus status,
        IReadOnlyList<V1Job>? jobs = null,
        IReadOnlyList<V1Pod>? pods = null,
        DateTimeOffset? now = null,
        V1Alpha1ShortenerRegion? of = null,
        string? schedule = null,
        string? report = null
    )
    {
        var region = Rehearsed(of ?? Region(), schedule);
        region.Status = region.Status! with
        {
            Backup = new BackupStatus
            {
                Repository = BackupRepository.DescribeOf(Region()),
                Endpoint = "s3.example",
                Rehearsal = status,
            },
        };
        var backup = new BackupPlan { Status = new BackupStatus { RecoverableFrom = Time("2030-01-30T02:18:00Z") } };
        var observed = new ObservedBackups
        {
            Jobs = jobs ?? [],
            Pods = pods ?? [],
            Reports = report is null ? new Dictionary<string, string>() : new Dictionary<string, string> { [jobs![^1].Metadata.Name] = report },
        };
        return RehearsalPlan.Of(region, observed, backup, now ?? Now)!;
    }

    private static V1Alpha1ShortenerRegion Rehearsed(V1Alpha1ShortenerRegion region, string? schedule = null)
    {
        var rehearsal = schedule is null ? new RehearsalSpec() : new RehearsalSpec { Schedule = schedule };
        region.Spec = region.Spec with { Postgres = region.Spec.Postgres! with { Backup = region.Spec.Postgres.Backup! with { Rehearsal = rehearsal } } };
        return region;
    }
}
