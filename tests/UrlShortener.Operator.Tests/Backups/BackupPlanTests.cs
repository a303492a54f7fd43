using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Backups;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Postgres;
using Xunit;
using static UrlShortener.Operator.Tests.Backups.BackupSamples;

namespace UrlShortener.Operator.Tests.Backups;

/// <summary>Which backup is due, and what a run that ended changes.</summary>
public sealed class BackupPlanTests
{
    private const string Report = """
        {"ok":true,"backups":[["20300131-100000F",1896084000,1896084060,"000000010000000000000002","000000010000000000000002",1000]],
         "wal":[["000000010000000000000001","000000010000000000000005"]],"history":[],"timeline":null}
        """;

    private static readonly DateTimeOffset Noon = Now;
    private static readonly ArchiverState Idle = new(Now, 1, "000000010000000000000005", Now, null, null, 0, null);

    [Fact]
    public void Of_NoBackup_StartsAFullOne() => Assert.Equal(BackupKind.Full, Plan(new BackupStatus()).Starts?.Kind);

    [Theory]
    [InlineData("2030-01-31T02:18:00Z", null)]
    [InlineData("2030-01-31T02:16:00Z", BackupKind.Differential)]
    // An operator that was away for days makes one backup, not one for each night.
    [InlineData("2030-01-28T02:17:00Z", BackupKind.Differential)]
    public void Of_TimeOfTheSchedule_StartsOneBackup(string lastStart, object? kind) =>
        Assert.Equal(kind, (object?)Plan(Known() with { LastStartTime = Time(lastStart) }).Starts?.Kind);

    [Fact]
    public void Of_MissedTimes_NameTheSameRunUntilItStarted()
    {
        var one = Plan(Known() with { LastStartTime = Time("2030-01-28T02:17:00Z") }).Starts;
        var later = Plan(Known() with { LastStartTime = Time("2030-01-28T02:17:00Z") }, now: Now.AddMinutes(1)).Starts;

        Assert.Equal(one, later);
        Assert.Equal(BackupResources.NameOf(Region(), one!), BackupResources.NameOf(Region(), later!));
    }

    [Fact]
    public void Of_OldFullBackup_StartsAFullOne() =>
        Assert.Equal(
            BackupKind.Full,
            Plan(Known() with { LastStartTime = Time("2030-01-31T01:00:00Z"), LastFullTime = Time("2030-01-24T02:18:00Z") }).Starts?.Kind
        );

    [Fact]
    public void Of_JobThatRuns_StartsNoOther()
    {
        var plan = Plan(new BackupStatus(), jobs: [Job("eu-backup-1", created: "2030-01-31T11:59:30Z")]);

        Assert.Null(plan.Starts);
        Assert.Equal("eu-backup-1", plan.Running?.Metadata.Name);
    }

    [Fact]
    public void Of_JobThatAnotherOperatorStarted_CountsForTheSchedule()
    {
        // It died before it wrote the status. The Job has run meanwhile.
        var plan = Plan(
            Known() with
            {
                LastStartTime = Time("2030-01-30T02:17:00Z"),
            },
            jobs: [Job("eu-backup-1", end: "Complete", created: "2030-01-31T02:17:05Z")],
            report: Report
        );

        Assert.Null(plan.Starts);
        Assert.Equal("eu-backup-1", plan.Status.LastRun?.Job);
        Assert.Equal(Time("2030-01-31T02:17:05Z"), plan.Status.LastStartTime);
    }

    [Fact]
    public void Of_RunThatSucceeded_TellsWhatTheRepositoryHas()
    {
        var plan = Plan(Known() with { FailedRuns = 3 }, jobs: [Job("eu-backup-1", end: "Complete")], report: Report);

        Assert.Equal(("20300131-100000F", 1000L), (plan.Status.LastBackup!.Label, plan.Status.LastBackup.SizeBytes));
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1896084060).UtcDateTime, plan.Status.RecoverableFrom);
        Assert.Equal(0, plan.Status.FailedRuns);
        Assert.True(plan.Ended?.Succeeded);
        Assert.Null(Plan(plan.Status, jobs: [Job("eu-backup-1", end: "Complete")], report: Report).Ended);
    }

    [Fact]
    public void Of_RunThatFailed_KeepsWhatIsKnownAndTriesAgainLater()
    {
        List<V1Job> jobs = [Job("eu-backup-1", end: "Failed", ended: Noon)];
        var plan = Plan(Known(), jobs: jobs, report: """{"ok":false,"error":"[049]: unable to connect"}""");

        Assert.Equal(("20300130-100000F", 1), (plan.Status.LastBackup!.Label, plan.Status.FailedRuns));
        Assert.Equal("[049]: unable to connect", plan.Status.LastRun?.Message);
        Assert.Null(plan.Starts);
        Assert.Equal(BackupKind.Differential, Plan(plan.Status, jobs: jobs, now: Noon.AddMinutes(1)).Starts?.Kind);
        // A failure does not freeze the schedule for longer than the delay.
        var often = plan.Status with
        {
            FailedRuns = 20,
            LastStartTime = Time("2030-01-31T02:00:00Z"),
        };
        Assert.Null(Plan(often, now: Noon.AddMinutes(59)).Starts);
        Assert.StartsWith("time ", Plan(often, now: Noon.AddHours(1)).Starts?.Cause, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_BackupsOfEveryMinuteThatFail_ComeMoreAndMoreSeldom()
    {
        var region = Region();
        region.Spec = region.Spec with { Postgres = region.Spec.Postgres! with { Backup = region.Spec.Postgres.Backup! with { Schedule = "* * * * *" } } };
        var (status, starts) = (Known(), 0);
        for (var now = Now; now < Now.AddHours(24); now = now.AddMinutes(1))
        {
            if (Plan(status, now: now, of: region).Starts is null)
                continue;
            starts++;
            List<V1Job> jobs = [Job($"eu-backup-{starts}", "Failed", now.ToString("O"), now)];
            status = Plan(status, jobs: jobs, report: """{"ok":false,"error":"[103]: [507]"}""", now: now.AddSeconds(30), of: region).Status;
            Assert.Equal(starts, status.FailedRuns);
        }

        Assert.InRange(starts, 24, 30);
    }

    [Fact]
    public void Of_PodThatWasKilled_IsAFailedRun()
    {
        var plan = Plan(Known(), jobs: [Job("eu-backup-1", end: "Failed", ended: Now.AddMinutes(-1))]);

        Assert.False(plan.Status.LastRun?.Succeeded);
        Assert.Equal("BackoffLimitExceeded, Job has reached the specified backoff limit", plan.Status.LastRun?.Message);
    }

    // Nobody makes the backup that somebody deleted, unless it counts as a failed one.
    [Fact]
    public void Of_JobThatWasDeletedWhileItRan_IsAFailedRun()
    {
        var started = Plan(Known(), jobs: [Job("eu-backup-1", created: "2030-01-31T11:59:00Z")]);
        Assert.Equal(("eu-backup-1", "Full"), (started.Status.Running?.Job, started.Status.Running?.Kind));
        var plan = Plan(started.Status);

        Assert.Equal(("eu-backup-1", false), (plan.Ended?.Job, plan.Ended?.Succeeded));
        Assert.Equal(1, plan.Status.FailedRuns);
        Assert.Null(plan.Status.Running);
        Assert.Null(plan.Starts);
        Assert.Null(Plan(plan.Status).Ended);
        Assert.Equal("retry of eu-backup-1", Plan(plan.Status, now: Now.AddMinutes(1)).Starts?.Cause);
        // One that ended and was deleted after its result was read is none.
        var ended = Plan(started.Status, jobs: [Job("eu-backup-1", end: "Complete")], report: Report);
        Assert.True(ended.Ended?.Succeeded);
        Assert.Null(Plan(ended.Status).Ended);
    }

    [Fact]
    public void Of_JobThatWasDeleted_IsNotForgottenForAnOlderOne()
    {
        var older = Job("eu-backup-1", end: "Complete", created: "2030-01-31T10:00:00Z");
        var running = Plan(Known(), jobs: [older, Job("eu-backup-2", created: "2030-01-31T11:59:00Z")], report: Report).Status with
        {
            LastRun = new BackupRunStatus
            {
                Job = "eu-backup-1",
                Kind = "Full",
                Succeeded = true,
                StartTime = Time("2030-01-31T10:00:00Z"),
            },
        };
        var lost = Plan(running, jobs: [older], report: Report);
        Assert.Equal(("eu-backup-2", false), (lost.Ended?.Job, lost.Ended?.Succeeded));

        var later = Plan(lost.Status, jobs: [older], report: Report);

        Assert.Null(later.Ended);
        Assert.Equal(("eu-backup-2", 1), (later.Status.LastRun?.Job, later.Status.FailedRuns));
    }

    [Fact]
    public void Of_PodWhoseImageCannotBePulled_IsToldAndGivenUp()
    {
        List<V1Job> jobs = [Job("eu-backup-1", created: "2030-01-31T11:59:00Z")];
        List<V1Pod> pods = [Pod("eu-backup-1", "ImagePullBackOff", "not found")];
        var plan = Plan(Known(), jobs: jobs, pods: pods);

        Assert.Equal(
            (
                "False",
                Reasons.ImagePullBackOff,
                "The newest backup is 20300130-100000F. Job eu-backup-1 does not start: pod eu-backup-1-abcde: ImagePullBackOff, not found."
            ),
            LastBackup(plan)
        );
        Assert.Empty(plan.Deletes);
        Assert.Null(plan.Starts);

        var over = Now.AddMinutes(15);
        var end = Plan(plan.Status, jobs: jobs, pods: pods, now: over);
        Assert.Equal(jobs, end.Deletes);
        Assert.Equal(("eu-backup-1", false, 1), (end.Ended?.Job, end.Ended?.Succeeded, end.Status.FailedRuns));
        Assert.Contains("ImagePullBackOff", end.Status.LastRun?.Message, StringComparison.Ordinal);
        Assert.Null(end.Status.Running);
        // The cache still has the Job, and then no longer.
        var stale = Plan(end.Status, jobs: jobs, pods: pods, now: over);
        Assert.Null(stale.Ended);
        Assert.Equal(jobs, stale.Deletes);
        Assert.Equal(("False", Reasons.BackupFailed), (LastBackup(stale).Status, LastBackup(stale).Reason));
        Assert.Null(Plan(end.Status, now: over).Starts);
        Assert.Equal("retry of eu-backup-1", Plan(end.Status, now: over.AddMinutes(1)).Starts?.Cause);
    }

    [Fact]
    public void Of_PodThatHasStarted_MayTakeItsTime()
    {
        List<V1Job> jobs = [Job("eu-backup-1", created: "2030-01-31T04:00:00Z")];

        Assert.Null(Plan(Known(), jobs: jobs, pods: [Pod("eu-backup-1")]).Trouble);
    }

    [Fact]
    public void Of_AnotherImage_EndsAJobThatCannotStart()
    {
        List<V1Job> jobs = [Job("eu-backup-1", created: "2030-01-31T11:59:00Z", image: "localhost/postgres:misspelt")];

        Assert.NotNull(Plan(Known(), jobs: jobs, pods: [Pod("eu-backup-1", "ErrImagePull")]).Ended);
        // It may just be starting.
        Assert.Null(Plan(Known(), jobs: jobs, pods: [Pod("eu-backup-1", "ContainerCreating")]).Ended);
        Assert.NotNull(Plan(Known(), jobs: jobs, pods: [Pod("eu-backup-1", "ContainerCreating")], now: Now.AddMinutes(15)).Ended);
    }

    [Fact]
    public void Of_JobWithoutAPod_IsToldAfterAMinute()
    {
        List<V1Job> jobs = [Job("eu-backup-1", created: "2030-01-31T11:59:00Z")];

        Assert.Null(Plan(Known(), jobs: jobs).Trouble);
        Assert.Equal(Reasons.PodsRefused, Plan(Known(), jobs: jobs, now: Now.AddSeconds(1)).Trouble?.Reason);
        Assert.NotNull(Plan(Known(), jobs: jobs, now: Now.AddMinutes(15)).Ended);
        // Its pod was deleted a moment ago, or the operator has just started.
        jobs[0].Status.Active = 1;
        Assert.Null(Plan(Known(), jobs: jobs, now: Now.AddMinutes(15)).Ended);
    }

    // Kubernetes says Failed only once all pods have ended, and one on a node that is gone does not.
    [Fact]
    public void Of_PodThatDoesNotEnd_IsGivenUp()
    {
        List<V1Job> jobs = [Job("eu-backup-1", end: "FailureTarget", ended: Now.AddMinutes(-4))];
        List<V1Pod> pods = [Pod("eu-backup-1")];

        Assert.Null(Plan(Known(), jobs: jobs, pods: pods).Ended);
        Assert.Equal(jobs, Plan(Known(), jobs: jobs, pods: pods, now: Now.AddMinutes(2)).Deletes);
    }

    [Fact]
    public void Of_PodThatWasKilled_IsToldAtOnce()
    {
        var pod = Pod("eu-backup-1");
        pod.Status.Phase = "Failed";
        pod.Status.ContainerStatuses[0].State = new V1ContainerState
        {
            Terminated = new V1ContainerStateTerminated { ExitCode = 137, Reason = "Error" },
        };
        var plan = Plan(Known(), jobs: [Job("eu-backup-1", end: "Failed", ended: Now)], pods: [pod]);

        Assert.False(plan.Ended?.Succeeded);
        Assert.Contains("137", plan.Status.LastRun?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_PodThatWasEvicted_IsToldInTheWordsOfTheKubelet()
    {
        var pod = Pod("eu-backup-1");
        pod.Status = new V1PodStatus
        {
            Phase = "Failed",
            Reason = "Evicted",
            Message = "The node was low on resource: memory",
        };
        var plan = Plan(Known(), jobs: [Job("eu-backup-1", end: "Failed", ended: Now.AddMinutes(-1))], pods: [pod]);

        Assert.Equal("The pod failed: Evicted, The node was low on resource: memory.", plan.Status.LastRun?.Message);
    }

    [Fact]
    public void Of_PrimaryWithoutPgBackRest_WaitsForItsReplacement()
    {
        Assert.Null(Plan(new BackupStatus(), primary: new V1Pod()).Starts);
        Assert.NotNull(Plan(new BackupStatus()).Starts);
    }

    [Fact]
    public void Of_EndedJobWhosePodIsNotSeenYet_Waits()
    {
        var plan = Plan(new BackupStatus(), jobs: [Job("eu-backup-1", end: "Complete", ended: Now)]);

        Assert.Null(plan.Ended);
        Assert.Null(plan.Starts);
    }

    [Fact]
    public void Of_RequestByAnnotation_StartsOneBackupForEachValue()
    {
        var run = Plan(Known(), request: "7").Starts;

        Assert.Equal("7", run?.Request);
        var job = BackupResources.BuildJob(Region(), run!, "eu-postgres-0");
        job.Metadata.CreationTimestamp = Now.UtcDateTime;
        var started = Plan(Known(), request: "7", jobs: [job]);
        Assert.Equal("7", started.Status.LastRequest);
        Assert.Null(Plan(started.Status, request: "7").Starts);
        Assert.NotNull(Plan(started.Status, request: "8").Starts);
    }

    // A Job of the first time may still be there, under the name that it had.
    [Fact]
    public void Of_RequestThatWasMadeBefore_StartsAnotherBackup()
    {
        var last = new BackupRunStatus { Job = "eu-backup-1", Succeeded = true };
        var first = Plan(Known() with { LastRun = last }, request: "7").Starts!;
        var again = Plan(Known() with { LastRun = last with { Job = "eu-backup-2" }, LastRequest = "8" }, request: "7").Starts!;

        Assert.Equal("7", again.Request);
        Assert.NotEqual(BackupResources.NameOf(Region(), first), BackupResources.NameOf(Region(), again));
        // An operator that does not see the Job yet gives it the same name.
        Assert.Equal(BackupResources.NameOf(Region(), first), BackupResources.NameOf(Region(), Plan(Known() with { LastRun = last }, request: "7").Starts!));
    }

    [Fact]
    public void Of_JobOfTheLastRequestThatWasDeleted_StartsNoOther()
    {
        var older = Job("eu-backup-6", "Complete", created: "2030-01-31T08:00:00Z");
        older.Metadata.Annotations = new Dictionary<string, string> { [BackupResources.RequestAnnotation] = "6" };
        var last = new BackupRunStatus
        {
            Job = "eu-backup-7",
            Succeeded = true,
            StartTime = Time("2030-01-31T11:00:00Z"),
        };
        var status = Known() with { LastRequest = "7", LastRun = last, LastStartTime = last.StartTime };

        var plan = Plan(status, [older], request: "7");

        Assert.Equal("7", plan.Status.LastRequest);
        Assert.Null(plan.Starts);
    }

    // The labels by which the operator finds it, and its owner.
    [Fact]
    public void IsOf_JobWithoutItsLabelsOrOwner_IsNone()
    {
        V1Job Build() => BackupResources.BuildJob(Region(), new BackupRun(BackupKind.Full, "1"), "eu-postgres-0");
        Assert.True(BackupResources.IsOf(Build(), Region()));
        foreach (
            var label in Build()
                .Metadata.Labels.Keys.Where(key => key.EndsWith("-kind", StringComparison.Ordinal) || key.Contains("managed-by", StringComparison.Ordinal))
        )
        {
            var changed = Build();
            changed.Metadata.Labels.Remove(label);
            Assert.False(BackupResources.IsOf(changed, Region()), label);
        }

        var orphan = Build();
        orphan.Metadata.OwnerReferences = null;
        Assert.False(BackupResources.IsOf(orphan, Region()));
    }

    [Fact]
    public void Of_GapInTheArchive_StartsAFullBackup()
    {
        var gap = Known() with { MissingSegment = "000000010000000000000004" };
        Assert.Equal(BackupKind.Full, Plan(gap).Starts?.Kind);

        // One that has not closed it is no reason for one after the other.
        gap = gap with
        {
            LastRun = new BackupRunStatus
            {
                Job = "eu-backup-1",
                Kind = "Full",
                Succeeded = true,
                CompletionTime = Now.UtcDateTime,
            },
        };
        Assert.Null(Plan(gap, now: Now.AddMinutes(59)).Starts);
        Assert.Equal(BackupKind.Full, Plan(gap, now: Now.AddHours(1)).Starts?.Kind);
    }

    // No file of the archive has the history of the timelines before: they are in another repository.
    [Fact]
    public void Of_RepositoryThatBeginsOnALaterTimeline_IsCheckedOnce()
    {
        const string Later = """
            {"ok":true,"backups":[["20300131-100000F",1896084000,1896084060,"000000050000000000000002","000000050000000000000002",1000]],
             "wal":[["000000050000000000000002","000000050000000000000005"]],"history":[],"timeline":null}
            """;
        var plan = Plan(Known() with { CheckedTimeline = null }, jobs: [Job("eu-backup-1", end: "Complete")], report: Later);

        Assert.Equal((5, null), (plan.Status.CheckedTimeline, plan.Status.MissingSegment));
        Assert.NotNull(plan.Status.RecoverableFrom);
        Assert.Null(Plan(plan.Status, archiver: Idle with { Timeline = 5, LastArchived = "000000050000000000000005" }).Starts);
    }

    [Fact]
    public void Of_NewTimeline_IsCheckedOnceThePrimaryHasArchivedAll()
    {
        var promoted = Idle with { Timeline = 2, LastArchived = "000000020000000000000006" };

        Assert.Null(Plan(Known(), archiver: promoted with { Waiting = 1, WaitingSince = Now }).Starts);
        Assert.Equal(BackupKind.Check, Plan(Known(), archiver: promoted).Starts?.Kind);
        Assert.Null(Plan(Known() with { CheckedTimeline = 2 }, archiver: promoted).Starts);
    }

    [Fact]
    public void Of_ChangesThatAreArchived_RenewTheEndOnceInAWhile()
    {
        var known = Known() with { RecoverableTo = Now.UtcDateTime.AddHours(-1) };

        Assert.Equal(Now.UtcDateTime.AddSeconds(-62), Plan(known, archiver: Idle with { LastArchivedUpTo = Now.AddMinutes(-1) }).Status.RecoverableTo);
        Assert.Equal(known.RecoverableTo, Plan(known, archiver: Idle with { LastArchivedUpTo = Now.AddHours(-1).AddMinutes(5) }).Status.RecoverableTo);
        // What another timeline archived may come after a gap.
        Assert.Equal(known.RecoverableTo, Plan(known, archiver: Idle with { Timeline = 2, LastArchivedUpTo = Now }).Status.RecoverableTo);
        var gap = known with { MissingSegment = "000000010000000000000004" };
        Assert.Equal(known.RecoverableTo, Plan(gap, archiver: Idle with { LastArchivedUpTo = Now }).Status.RecoverableTo);
    }

    [Fact]
    public void Of_AnotherRepository_KnowsNothingOfIt()
    {
        var plan = Plan(Known() with { Repository = "s3://elsewhere/x" });

        Assert.Null(plan.Status.LastBackup);
        Assert.Equal(BackupKind.Full, plan.Starts?.Kind);
    }

    // Its bucket may have the same name.
    [Fact]
    public void Of_AnotherStorage_BeginsAnewWithoutTheJobsOfTheFormerOne()
    {
        List<V1Job> jobs = [Job("eu-backup-1", end: "Complete"), Job("eu-backup-2")];
        foreach (var job in jobs)
            job.Metadata.Annotations = BackupResources.BuildJob(Region(), new BackupRun(BackupKind.Full, "1"), "eu-postgres-0").Metadata.Annotations;
        var plan = Plan(Known(), jobs: jobs, report: Report, of: Region("s3.elsewhere"));

        Assert.Equal((null, "s3.elsewhere"), (plan.Status.LastBackup, plan.Status.Endpoint));
        Assert.Null(plan.Ended);
        Assert.Equal(BackupKind.Full, plan.Starts?.Kind);
        Assert.Equal(jobs, plan.Deletes);
        Assert.Equal("eu-backup-2", Plan(Known(), jobs: jobs, report: Report).Running?.Metadata.Name);
    }

    // The archive has a gap from then on, and the result of an old Job does not tell.
    [Fact]
    public void Of_BackupsThatAreRemoved_DeletesTheirJobs()
    {
        var region = Region();
        region.Spec = region.Spec with { Postgres = region.Spec.Postgres! with { Backup = null } };
        List<V1Job> jobs = [Job("eu-backup-1", end: "Complete"), Job("eu-backup-2", kind: BackupKind.Rehearsal), Job("eu-backup-3", kind: BackupKind.Restore)];

        Assert.Equal(jobs.Take(2), Plan(Known(), jobs: jobs, report: Report, of: region).Deletes);
    }

    [Fact]
    public void Of_SecretThatIsMissing_StartsNothing()
    {
        var plan = BackupPlan.Of(Region(), new ObservedBackups { Primary = Primary(), Configuration = new V1Secret() }, Now);

        Assert.Equal(Reasons.SecretNotFound, plan.Obstacle?.Reason);
        Assert.Null(plan.Starts);
    }

    [Fact]
    public void Of_RepositoryOnAVolume_NeedsNoSecret()
    {
        var region = VolumeRegion();
        var observed = Observe([], null, Idle) with { Credentials = null };
        var plan = BackupPlan.Of(region, observed, Now);

        // The primary does not mount the volume yet.
        Assert.Null(plan.Obstacle);
        Assert.Null(plan.Starts);
        Assert.Equal("volume://backups/shop/eu/7713-11111111", plan.Status.Repository);
        observed.Primary!.Spec.Volumes = [new V1Volume { PersistentVolumeClaim = new V1PersistentVolumeClaimVolumeSource { ClaimName = "backups" } }];
        Assert.Equal(BackupKind.Full, BackupPlan.Of(region, observed, Now).Starts?.Kind);
    }

    [Fact]
    public void Configuration_OfARepositoryOnAVolume_NamesItsFolder()
    {
        var lines = System.Text.Encoding.UTF8.GetString(
            BackupRepository.BuildConfiguration(VolumeRegion(), new Dictionary<string, byte[]> { ["passphrase"] = "secret"u8.ToArray() }).Data[
                "pgbackrest.conf"
            ]
        );

        Assert.Contains("repo1-type=posix\nrepo1-path=/var/lib/pgbackrest/shop/eu/7713-11111111\n", lines, StringComparison.Ordinal);
        Assert.Contains("repo1-cipher-pass=secret\n", lines, StringComparison.Ordinal);
        Assert.DoesNotContain("s3", lines, StringComparison.Ordinal);
    }

    // Everything would be written unencrypted.
    [Fact]
    public void FindProblem_SecretOfAVolumeWithoutThePassphrase_IsOne()
    {
        var repository = VolumeRegion().Spec.Postgres!.Backup!.Repository;
        string? Find(params (string Key, string Value)[] data) =>
            BackupRepository.FindProblem(repository, data.ToDictionary(entry => entry.Key, entry => System.Text.Encoding.UTF8.GetBytes(entry.Value)));

        Assert.Null(Find(("passphrase", "secret")));
        Assert.Equal("has no key passphrase. Add it, or remove secretRef", Find(("Passphrase", "secret")));
        Assert.NotNull(Find(("passphrase", "")));
        Assert.NotNull(Find(("passphrase", "secret\n")));
    }

    [Theory]
    [InlineData("accessKeyId=a secretAccessKey=b", null)]
    [InlineData("accessKeyId=a secretAccessKey=b passphrase=c", null)]
    [InlineData("accessKey=a secretAccessKey=b", "has no key accessKeyId")]
    [InlineData("accessKeyId=a secretAccessKey=", "has no key secretAccessKey")]
    [InlineData("accessKeyId=a secretAccessKey=b passphrase=", "has an empty passphrase")]
    public void FindProblem_SecretOfABucket_NamesTheKey(string data, string? problem)
    {
        var found = BackupRepository.FindProblem(
            Region().Spec.Postgres!.Backup!.Repository,
            data.Split(' ').Select(entry => entry.Split('=')).ToDictionary(entry => entry[0], entry => System.Text.Encoding.UTF8.GetBytes(entry[1]))
        );

        Assert.StartsWith(problem ?? "none", found ?? "none", StringComparison.Ordinal);
    }

    // Nobody could read the backups any more, and the former passphrase may be nowhere else.
    [Theory]
    [InlineData("one", "other", true)]
    [InlineData("one", null, true)]
    [InlineData(null, "other", true)]
    [InlineData("one", "one", false)]
    public void ChangesPassphrase_OfARepositoryWithBackups_IsSeen(string? former, string? next, bool changes)
    {
        var region = Region();
        region.Status = region.Status! with { Backup = Known() };
        V1Secret Build(string? passphrase, string key = "a")
        {
            var data = new Dictionary<string, byte[]> { ["accessKeyId"] = "a"u8.ToArray(), ["secretAccessKey"] = System.Text.Encoding.UTF8.GetBytes(key) };
            if (passphrase is not null)
                data["passphrase"] = System.Text.Encoding.UTF8.GetBytes(passphrase);
            return BackupRepository.BuildConfiguration(region, data);
        }

        var live = Build(former);
        Assert.Equal(changes, BackupRepository.ChangesPassphrase(region, live, Build(next, "b")));
        Assert.False(BackupRepository.ChangesPassphrase(region, null, Build(next)));
        Assert.False(BackupRepository.ChangesPassphrase(region, BackupRepository.BuildEmpty(region), Build(next)));
        // Somebody else has written it.
        live.Data["other"] = [];
        Assert.False(BackupRepository.ChangesPassphrase(region, live, Build(next)));
        // Then, and if there is none, the status tells.
        region.Status = region.Status with
        {
            Backup = Known() with { PassphraseCheck = BackupRepository.CheckOf(region, Build(former)) },
        };
        Assert.Equal(4, region.Status.Backup!.PassphraseCheck!.Length);
        Assert.Equal(changes, BackupRepository.ChangesPassphrase(region, live, Build(next, "b")));
        Assert.Equal(changes, BackupRepository.ChangesPassphrase(region, null, Build(next, "b")));
        Assert.Equal(changes, BackupRepository.ChangesPassphrase(region, BackupRepository.BuildEmpty(region), Build(next, "b")));
        // There is no backup yet, or none in this repository.
        live = Build(former);
        region.Status = region.Status with { Backup = Known() with { LastBackup = null } };
        Assert.False(BackupRepository.ChangesPassphrase(region, live, Build(next)));
        region.Status = region.Status with { Backup = Known() with { Endpoint = "s3.former" } };
        Assert.False(BackupRepository.ChangesPassphrase(region, live, Build(next)));
    }

    [Theory]
    [InlineData(BackupKind.Full, null)]
    [InlineData(BackupKind.Rehearsal, true)]
    public void Job_OfARepositoryOnAVolume_MountsIt(object kind, bool? isReadOnly)
    {
        var pod = BackupResources.BuildJob(VolumeRegion(), new BackupRun((BackupKind)kind, "1"), "eu-postgres-0").Spec.Template.Spec;

        Assert.Equal("backups", pod.Volumes.Single(volume => volume.Name == "repository").PersistentVolumeClaim.ClaimName);
        Assert.Equal(isReadOnly, pod.Containers[0].VolumeMounts.Single(mount => mount.MountPath == "/var/lib/pgbackrest").ReadOnlyProperty);
    }

    // Both containers write to the archive or read it.
    [Fact]
    public void Member_OfARepositoryOnAVolume_MountsIt()
    {
        var pod = new V1PodSpec { Volumes = [], Containers = [new V1Container { Name = "postgres", VolumeMounts = [] }] };
        PostgresArchiving.AddTo(VolumeRegion(), pod);

        Assert.Equal(2, pod.Containers.Count);
        Assert.All(pod.Containers, container => Assert.Contains(container.VolumeMounts, mount => mount is { Name: "repository", ReadOnlyProperty: null }));
        Assert.True(PostgresArchiving.IsIn(VolumeRegion(), new V1Pod { Spec = pod }));
    }

    private static V1Alpha1ShortenerRegion VolumeRegion()
    {
        var region = Region();
        var repository = new BackupRepositorySpec { ClaimRef = new ObjectName { Name = "backups" } };
        region.Spec = region.Spec with { Postgres = region.Spec.Postgres! with { Backup = new BackupSpec { Repository = repository } } };
        return region;
    }

    [Fact]
    public void Path_OfTwoRegions_IsNeverTheSame()
    {
        var (one, other) = (Region(), Region());
        other.Metadata.Uid = "22222222-0000";

        Assert.Equal("/shop/eu/7713-11111111", BackupRepository.PathOf(one));
        Assert.NotEqual(BackupRepository.PathOf(one), BackupRepository.PathOf(other));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 60)]
    [InlineData(3, 240)]
    [InlineData(40, 3600)]
    public void Delay_AfterFailures_GrowsToAnHour(int failures, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), new BackupTiming().DelayAfter(failures));

    [Fact]
    public void Conditions_OfArchiving_TellWaitingSegmentsAndGaps()
    {
        Assert.Equal(("True", Reasons.AsExpected), Archiving(Known(), Idle));
        var waiting = Idle with { Waiting = 2, WaitingSince = Now.AddMinutes(-1) };
        Assert.Equal(("True", Reasons.AsExpected), Archiving(Known(), waiting));
        Assert.Equal(("False", Reasons.ArchivingStalled), Archiving(Known(), waiting with { LastFailedAt = Now }));
        Assert.Equal(("True", Reasons.AsExpected), Archiving(Known(), waiting with { LastFailedAt = Now.AddSeconds(-1) }));
        Assert.Equal(("False", Reasons.ArchivingStalled), Archiving(Known(), waiting with { WaitingSince = Now.AddMinutes(-4) }));
        Assert.Equal(("False", Reasons.ArchiveGap), Archiving(Known() with { MissingSegment = "000000010000000000000004" }, Idle));
        Assert.Equal(("Unknown", Reasons.NotKnown), Archiving(Known(), null));
    }

    [Theory]
    [InlineData("", null)]
    [InlineData(
        "2030-01-31 12:00:00.123 P00  ERROR: [104]: archive-push command encountered error(s):\n            repo1: [ServiceError] [507] Insufficient Storage\n",
        "[104]: archive-push command encountered error(s): repo1: [ServiceError] [507] Insufficient Storage"
    )]
    [InlineData(
        "P00  ERROR: [104]: repo1: [ProtocolError] HTTP request failed with 403 (Forbidden):\n *** Path/Query ***:\n GET /x\n *** Request Headers ***:\n"
            + " x-amz-date: 20300131T120000Z\n *** Response Content ***:\n <Error><Code>InvalidAccessKeyId</Code></Error>",
        "[104]: repo1: [ProtocolError] HTTP request failed with 403 (Forbidden): InvalidAccessKeyId"
    )]
    [InlineData(
        "ERROR: [103]: unable to find a valid repository:\n       repo1: [HostConnectError] unable to load info file '/a/archive.info' or '/a/archive.info.copy':\n"
            + "       HostConnectError: unable to connect to '127.0.0.1:1': [111] Connection refused\n       HINT: has a stanza-create been performed?\n",
        "HostConnectError: unable to connect to '127.0.0.1:1': [111] Connection refused"
    )]
    public void Archiver_ErrorOfPgBackRest_IsToldWithoutWhatDiffersEachTime(string text, string? cause)
    {
        Assert.Equal(cause, ArchiverState.FindCause(text));
        var stalled = Idle with { Waiting = 1, WaitingSince = Now.AddMinutes(-4), LastError = cause };
        var message = BackupStatusRules
            .Build(Region(), Observe([], null, stalled), (new BackupPlan { Status = Known() }, null, null), Now)
            .Conditions.Single(condition => condition.Type == ConditionTypes.ContinuousArchiving)
            .Message;
        Assert.Contains(cause is null ? "The log of the primary has the cause." : $"The last attempt failed: {cause}.", message, StringComparison.Ordinal);
    }

    // Backups that it made as a primary do not become overdue, and it needs none.
    [Fact]
    public void Conditions_OfAStandbyRegion_AreUnknown()
    {
        var region = BackupSamples.Region();
        region.Status = new RegionStatus
        {
            Postgres = new PostgresStatus { SystemIdentifier = "7713", StandbyLeader = "eu-postgres-0" },
        };
        var conditions = BackupStatusRules
            .Build(region, new ObservedBackups(), (new BackupPlan { Status = new BackupStatus() }, null, null), BackupSamples.Now)
            .Conditions;

        Assert.Equal(2, conditions.Count);
        Assert.All(conditions, condition => Assert.Equal(("Unknown", Reasons.StandbyRegion), (condition.Status, condition.Reason)));
    }

    [Fact]
    public void Conditions_OfTheLastBackup_TellItsAge()
    {
        Assert.Equal(("False", Reasons.NoBackupYet), LastBackup(new BackupStatus(), Now));
        Assert.Equal(("True", Reasons.AsExpected), LastBackup(Known(), Now.AddHours(20)));
        Assert.Equal(("False", Reasons.BackupOverdue), LastBackup(Known(), Now.AddHours(21)));
        var failed = new BackupRunStatus { Kind = "Full", Succeeded = false };
        Assert.Equal(("False", Reasons.BackupFailed), LastBackup(Known() with { LastRun = failed }, Now));
        Assert.Equal(("True", Reasons.AsExpected), LastBackup(Known() with { LastRun = failed with { Kind = "Check" } }, Now));
    }

    private static (string, string) Archiving(BackupStatus status, ArchiverState? archiver)
    {
        var region = Region();
        var condition = BackupStatusRules
            .Build(region, Observe([], null, archiver), (new BackupPlan { Status = status }, null, null), Now)
            .Conditions.Single(condition => condition.Type == ConditionTypes.ContinuousArchiving);
        return (condition.Status, condition.Reason);
    }

    private static (string Status, string Reason, string Message) LastBackup(BackupPlan plan)
    {
        var condition = BackupStatusRules
            .Build(Region(), Observe([], null, Idle), (plan, null, null), Now)
            .Conditions.Single(condition => condition.Type == ConditionTypes.LastBackupSucceeded);
        return (condition.Status, condition.Reason, condition.Message);
    }

    private static (string, string) LastBackup(BackupStatus status, DateTimeOffset now)
    {
        var condition = BackupStatusRules
            .Build(Region(), Observe([], null, Idle), (new BackupPlan { Status = status }, null, null), now)
            .Conditions.Single(condition => condition.Type == ConditionTypes.LastBackupSucceeded);
        return (condition.Status, condition.Reason);
    }

    private static BackupPlan Plan(
        BackupStatus status,
        IReadOnlyList<V1Job>? jobs = null,
        string? report = null,
        ArchiverState? archiver = null,
        string? request = null,
        DateTimeOffset? now = null,
        IReadOnlyList<V1Pod>? pods = null,
        V1Pod? primary = null,
        V1Alpha1ShortenerRegion? of = null
    )
    {
        var region = of ?? Region();
        region.Status = region.Status! with { Backup = status };
        if (request is not null)
            region.Metadata.Annotations = new Dictionary<string, string> { [Labels.Backup] = request };
        return BackupPlan.Of(region, Observe(jobs ?? [], report, archiver ?? Idle, pods, primary), now ?? Now);
    }

    private static ObservedBackups Observe(
        IReadOnlyList<V1Job> jobs,
        string? report,
        ArchiverState? archiver,
        IReadOnlyList<V1Pod>? pods = null,
        V1Pod? primary = null
    ) =>
        new()
        {
            Jobs = jobs,
            Pods = pods ?? [],
            Reports = report is null ? new Dictionary<string, string>() : jobs.ToDictionary(job => job.Metadata.Name, _ => report),
            Credentials = new V1Secret(),
            Configuration = new V1Secret(),
            Primary = primary ?? Primary(),
            Archiver = archiver,
        };

    // A backup of yesterday's morning, and nothing since that is due.
    private static BackupStatus Known() =>
        new()
        {
            Repository = BackupRepository.DescribeOf(Region()),
            Endpoint = "s3.example",
            LastBackup = new BackupResult { Label = "20300130-100000F", CompletionTime = Time("2030-01-31T02:18:00Z") },
            LastFullTime = Time("2030-01-30T02:18:00Z"),
            LastStartTime = Time("2030-01-31T02:17:00Z"),
            CheckedTimeline = 1,
            RecoverableFrom = Time("2030-01-30T02:18:00Z"),
        };
}
