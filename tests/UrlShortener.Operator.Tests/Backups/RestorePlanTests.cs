using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Backups;
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
