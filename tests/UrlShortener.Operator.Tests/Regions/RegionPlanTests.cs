using k8s.Models;
using UrlShortener.Contracts;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

public sealed class RegionPlanTests
{
    private static readonly DateTime Noon = new(2030, 1, 31, 12, 0, 0, DateTimeKind.Utc);

    [Fact]
    public void Of_Alone_IsPrimaryWithItsFloor()
    {
        var region = Region("eu");

        var plan = Plan(region, Observe(region));

        Assert.Null(plan.Obstacle);
        Assert.Equal((RegionRole.Primary, region.Spec.App.MinReplicas, MigrationState.Missing), (plan.Role.Role, plan.Floor, plan.Migration.State));
        Assert.Null(plan.Role.Topology);
    }

    [Fact]
    public void Of_TwoOfOneRegion_TheYoungerWaits()
    {
        var (older, younger) = (Region("eu"), Region("eu", created: Noon.AddDays(1)));

        Assert.Null(Plan(older, Observe(older, younger)).Obstacle);
        Assert.Equal(Reasons.RegionConflict, Plan(younger, Observe(younger, older)).Obstacle?.Reason);
    }

    [Fact]
    public void Of_ImageOrDatabaseChanges_MigratesAnew()
    {
        var region = Region("eu");
        var observed = Observe(region);
        var digest = Plan(region, observed).Migration.Digest;
        var done = observed with
        {
            Deployment = new V1Deployment
            {
                Metadata = new V1ObjectMeta { Annotations = new Dictionary<string, string> { [Labels.MigrationDigest] = digest } },
            },
        };

        Assert.Equal(MigrationState.Done, Plan(region, done).Migration.State);
        Assert.Equal(MigrationState.Missing, Plan(region, done with { Secrets = Secrets("another") }).Migration.State);
        region.Spec = region.Spec with { App = region.Spec.App with { Image = "registry.example/shortener:2.0" } };
        Assert.Equal(MigrationState.Missing, Plan(region, done).Migration.State);
    }

    [Theory]
    [InlineData(null, MigrationState.Running)]
    [InlineData("Complete", MigrationState.Done)]
    [InlineData("Failed", MigrationState.Failed)]
    public void Of_MigrationJob_TellsHowFarItIs(string? condition, object expected)
    {
        var region = Region("eu");
        var observed = Observe(region);
        var job = MigrationJob.Build(region, Plan(region, observed).Migration.Digest);
        job.Status = new V1JobStatus { Conditions = condition is null ? [] : [new V1JobCondition { Type = condition, Status = "True" }] };

        Assert.Equal((MigrationState)expected, Plan(region, observed with { Jobs = [job] }).Migration.State);
    }

    [Fact]
    public void Of_SettingsChange_RollsPods()
    {
        var region = Region("eu");
        var before = Plan(region, Observe(region)).Process.SettingsDigest;

        region.Spec = region.Spec with { App = region.Spec.App with { MaxReplicas = 50 } };
        Assert.Equal(before, Plan(region, Observe(region)).Process.SettingsDigest);
        region.Spec = region.Spec with { App = region.Spec.App with { Settings = [new RuntimeSetting { Name = "Keys:PoolSize", Value = "5000" }] } };
        Assert.NotEqual(before, Plan(region, Observe(region)).Process.SettingsDigest);
    }

    [Theory]
    // Pods that there are (-1: no Deployment), fewest pods, then: set by hand now, set once the Deployment is made, an autoscaler.
    [InlineData(-1, 3, null, 3, true)]
    [InlineData(-1, 0, null, 0, false)]
    [InlineData(7, 3, null, null, true)]
    [InlineData(1, 3, null, null, true)]
    [InlineData(7, 0, 0, null, false)]
    [InlineData(0, 3, 3, null, true)]
    [InlineData(0, 0, null, null, false)]
    public void Of_Replicas_AreSetOnlyWhereTheAutoscalerCannot(int there, int floor, int? rescale, int? first, bool isScaled)
    {
        var (region, primary) = (Region("eu"), Region("us", priority: 90));
        primary.Status = new RegionStatus { Role = RegionRole.Primary, FirstReadyTime = Noon };
        region.Spec = region.Spec with { App = region.Spec.App with { StandbyMinReplicas = floor } };
        var app = new V1Deployment
        {
            Metadata = Owned.Metadata(region, Names.App, Names.App),
            Spec = new V1DeploymentSpec { Replicas = there },
        };
        var observed = Observe(region, primary) with { Deployment = there < 0 ? null : app };

        var plan = Plan(region, observed);

        Assert.Equal((rescale, first, isScaled), (plan.Rescale, plan.FirstReplicas, plan.IsScaled));
    }

    [Theory]
    // Job of the wanted migration, seconds since it ended, then: a Job is made, it is deleted, the app is deployed.
    [InlineData("", 0, true, false, false)]
    [InlineData("Running", 0, false, false, false)]
    [InlineData("Complete", 600, false, false, true)]
    [InlineData("Failed", 59, false, false, false)]
    [InlineData("Failed", 60, false, true, false)]
    [InlineData("Deleting", 600, false, false, false)]
    public void Of_MigrationJob_DecidesWhatIsDone(string job, int secondsAgo, bool starts, bool deletes, bool deploys)
    {
        var region = Region("eu");
        var observed = Observe(region);
        var wanted = MigrationJob.Build(region, Plan(region, observed).Migration.Digest);
        var former = MigrationJob.Build(region, "0123456789abcdef");
        former.Status = Ended("Complete", 600);
        if (job == "Deleting")
            wanted.Metadata.DeletionTimestamp = Noon;
        wanted.Status = job is "Complete" or "Failed" ? Ended(job, secondsAgo) : new V1JobStatus();

        var plan = Plan(region, observed with { Jobs = job.Length == 0 ? [former] : [former, wanted] });

        Assert.Equal((starts, deploys), (plan.StartsMigration, plan.Deploys));
        Assert.Equal<IEnumerable<V1Job>>(deletes ? [former, wanted] : [former], plan.EndedJobs);
    }

    [Theory]
    // Of an unfinished migration: what has changed since. Then: the Job is deleted, whether or not it is being deleted already.
    [InlineData("nothing", false)]
    [InlineData("nodeSelector", true)]
    [InlineData("image", true)]
    public void Of_UnfinishedMigration_IsReplacedAfterItsPodsEnded(string change, bool deletes)
    {
        var region = Region("eu");
        var job = MigrationJob.Build(region, Plan(region, Observe(region)).Migration.Digest);
        if (change == "nodeSelector")
            region.Spec = region.Spec with { App = region.Spec.App with { NodeSelector = new Dictionary<string, string> { ["disk"] = "ssd" } } };
        if (change == "image")
            region.Spec = region.Spec with { App = region.Spec.App with { Image = "registry.example/shortener:2.0" } };
        var pod = new V1Pod
        {
            Metadata = Owned.Metadata(region, "pod", Names.Migrate),
            Status = new V1PodStatus { Phase = "Running" },
        };

        var running = Plan(region, Observe(region) with { Jobs = [job], Pods = [pod] });
        Assert.Equal<IEnumerable<V1Job>>(deletes ? [job] : [], running.EndedJobs);
        Assert.False(running.StartsMigration);
        job.Metadata.DeletionTimestamp = Noon;
        var ending = Plan(region, Observe(region) with { Jobs = [job], Pods = [pod] });
        Assert.Empty(ending.EndedJobs);
        Assert.False(ending.StartsMigration);
        Assert.False(Plan(region, Observe(region) with { Pods = [pod] }).StartsMigration);
        pod.Status.Phase = "Failed";
        Assert.True(Plan(region, Observe(region) with { Pods = [pod] }).StartsMigration);
    }

    [Fact]
    public void Of_FailedMigrationOfAnotherSpecification_IsReplacedAtOnce()
    {
        var region = Region("eu");
        var job = MigrationJob.Build(region, Plan(region, Observe(region)).Migration.Digest);
        job.Status = Ended("Failed", 1);
        Assert.Empty(Plan(region, Observe(region) with { Jobs = [job] }).EndedJobs);

        region.Spec = region.Spec with { App = region.Spec.App with { PriorityClassName = "high" } };

        Assert.Equal<IEnumerable<V1Job>>([job], Plan(region, Observe(region) with { Jobs = [job] }).EndedJobs);
    }

    [Theory]
    [InlineData(0, false, 5.0)]
    [InlineData(4, false, 1.0)]
    [InlineData(5, true, null)]
    public void Of_ConnectionChanged_WaitsUntilItStays(int secondsAgo, bool starts, double? settlesIn)
    {
        var region = Region("eu");

        var plan = Plan(region, Observe(region) with { ConnectionChangedAt = new DateTimeOffset(Noon).AddSeconds(-secondsAgo) });

        Assert.Equal((starts, settlesIn), (plan.StartsMigration, plan.SettlesIn?.TotalSeconds));
    }

    [Fact]
    public void Of_JobWithoutAnOwner_IsAdopted()
    {
        var region = Region("eu");
        var job = MigrationJob.Build(region, Plan(region, Observe(region)).Migration.Digest);
        Assert.Empty(Plan(region, Observe(region) with { Jobs = [job] }).OrphanedJobs);
        job.Metadata.OwnerReferences = null;
        Assert.Equal<IEnumerable<V1Job>>([job], Plan(region, Observe(region) with { Jobs = [job] }).OrphanedJobs);
    }

    [Theory]
    [InlineData(SuspendMode.None, true)]
    [InlineData(SuspendMode.Changes, false)]
    [InlineData("Full", false)] // A value of another version.
    public void Of_Suspended_AppliesNothing(string suspend, bool applies)
    {
        var region = Region("eu");
        region.Spec = region.Spec with { Suspend = suspend };

        Assert.Equal(applies, Plan(region, Observe(region)).Applies);
        Assert.False(Plan(region, Observe(region) with { Secrets = new Dictionary<string, V1Secret>() }).Applies);
    }

    // Its tables come with the data of the primary region, and it takes no writes.
    [Fact]
    public void Of_RegionWhosePostgresFollowsAnother_MigratesNothingAndDeploys()
    {
        var (eu, us) = (Region("eu"), Region("us"));
        us.Status = new RegionStatus
        {
            Topology = new TopologyStatus { PrimaryRegion = "us", Epoch = 1 },
            FirstReadyTime = Noon,
        };
        eu.Spec = eu.Spec with
        {
            Connections = new ConnectionsSpec(),
            Postgres = new PostgresSpec { Image = "postgres:17" },
        };
        var observed = Observe(eu, us) with
        {
            Secrets = new Dictionary<string, V1Secret>
            {
                ["eu-postgres-connection"] = new()
                {
                    Metadata = new V1ObjectMeta { Name = "eu-postgres-connection" },
                    Data = new Dictionary<string, byte[]> { ["connectionString"] = [1] },
                },
            },
        };
        Assert.True(Plan(eu, observed).StartsMigration);

        eu.Status = new RegionStatus { Postgres = new PostgresStatus { StandbyLeader = "eu-postgres-0" } };
        var plan = Plan(eu, observed);
        Assert.False(plan.StartsMigration);
        Assert.True(plan.Deploys);

        // The app reaches what there is to reach.
        string? Reachable(string database)
        {
            var health = new HealthResponse("degraded", new ComponentsResponse(database, "healthy", "healthy"), "1.0");
            var seen = observed with { Health = health };
            var (status, _) = RegionStatusRules.Build(eu, seen, RegionPlan.Of(eu, seen, new DateTimeOffset(Noon)), new DateTimeOffset(Noon));
            return status.Conditions!.Single(condition => condition.Type == ConditionTypes.DependenciesReachable).Status;
        }
        Assert.Equal(("True", "False"), (Reachable("degraded"), Reachable("unhealthy")));
        eu.Status = new RegionStatus { Postgres = new PostgresStatus { Primary = "eu-postgres-0" } };
        Assert.Equal("False", Reachable("degraded"));
        eu.Status = new RegionStatus { Postgres = new PostgresStatus { StandbyLeader = "eu-postgres-0" } };

        // It is the primary, and its members are about to change.
        us.Status = us.Status with
        {
            Topology = new TopologyStatus { PrimaryRegion = "eu", Epoch = 2 },
        };
        eu.Status = eu.Status with { FirstReadyTime = Noon };
        Assert.Equal(RegionRole.Primary, Plan(eu, observed).Role.Role);
    }

    [Theory]
    [InlineData("delivered", "True", "AsExpected")]
    [InlineData("unwritable", "False", "SpoolFailing")]
    [InlineData("unreachable", "False", "Unreachable")]
    [InlineData("unconfirmed", "False", "Unreachable")]
    [InlineData("authentication", "False", "KafkaRefuses")]
    [InlineData(null, "Unknown", "NotKnown")]
    public void Kafka_EventsDoNotArrive_IsAConditionAndNothingElse(string? events, string status, string reason)
    {
        var eu = Region("eu");
        var without = Conditions(eu, events: null);
        eu.Spec = eu.Spec with { Kafka = new KafkaSpec { BootstrapServers = ["kafka:9092"] } };

        var with = Conditions(eu, events);

        var condition = with.Single(condition => condition.Type == ConditionTypes.ClickEventsDelivered);
        Assert.Equal((status, reason), (condition.Status, condition.Reason));
        Assert.Equal(
            without.Select(condition => (condition.Type, condition.Status, condition.Reason)),
            with.Where(condition => condition.Type != ConditionTypes.ClickEventsDelivered)
                .Select(condition => (condition.Type, condition.Status, condition.Reason))
        );
    }

    [Fact]
    public void Kafka_SecretIsMissingOrReplaced_HoldsUpNothingAndReplacesNoPods()
    {
        var eu = Region("eu");
        eu.Spec = eu.Spec with
        {
            Kafka = new KafkaSpec
            {
                BootstrapServers = ["kafka:9092"],
                Mechanism = "SCRAM-SHA-512",
                Username = "clicks",
                CredentialsSecretRef = new KafkaPasswordSecretRef { Name = "clicks" },
            },
        };
        var missing = Observe(eu);
        var (first, second) = (WithPassword(1), WithPassword(2));

        var plan = Plan(eu, missing);
        Assert.Null(plan.Obstacle);
        Assert.Equal("kafka:9092", plan.Process.Settings["ConnectionStrings:Kafka"]);
        Assert.Equal(plan.Process.SettingsDigest, Plan(eu, first).Process.SettingsDigest);
        Assert.Equal(plan.Process.SettingsDigest, Plan(eu, second).Process.SettingsDigest);
        var condition = Conditions(eu, "delivered").Single(condition => condition.Type == ConditionTypes.ClickEventsDelivered);
        Assert.Equal(("False", Reasons.SecretNotFound), (condition.Status, condition.Reason));

        ObservedRegion WithPassword(byte value) =>
            missing with
            {
                Secrets = new Dictionary<string, V1Secret>(missing.Secrets)
                {
                    ["clicks"] = new()
                    {
                        Metadata = new V1ObjectMeta { Name = "clicks" },
                        Data = new Dictionary<string, byte[]> { ["password"] = [value] },
                    },
                },
            };
    }

    private static IReadOnlyList<V1Condition> Conditions(V1Alpha1ShortenerRegion region, string? events)
    {
        var health = new HealthResponse("healthy", new ComponentsResponse("healthy", "healthy", "healthy"), "1.0") { Events = events };
        var seen = Observe(region) with { Health = health };
        return [.. RegionStatusRules.Build(region, seen, Plan(region, seen), new DateTimeOffset(Noon)).Status.Conditions!];
    }

    private static V1JobStatus Ended(string condition, int secondsAgo) =>
        new()
        {
            Conditions =
            [
                new V1JobCondition
                {
                    Type = condition,
                    Status = "True",
                    LastTransitionTime = Noon.AddSeconds(-secondsAgo),
                },
            ],
        };

    private static RegionPlan Plan(V1Alpha1ShortenerRegion region, ObservedRegion observed) => RegionPlan.Of(region, observed, new DateTimeOffset(Noon));

    private static V1Alpha1ShortenerRegion Region(string name, int priority = 50, DateTime? created = null)
    {
        var spec = SpecJson.MinimalRegion();
        return new V1Alpha1ShortenerRegion
        {
            Metadata = new V1ObjectMeta
            {
                Name = name,
                NamespaceProperty = "links",
                Uid = Guid.NewGuid().ToString(),
                CreationTimestamp = created ?? Noon,
            },
            Spec = spec with { Region = name, Failover = spec.Failover with { Priority = priority } },
        };
    }

    private static ObservedRegion Observe(params V1Alpha1ShortenerRegion[] group) => new() { Group = group, Secrets = Secrets("one") };

    private static Dictionary<string, V1Secret> Secrets(string value) =>
        new()
        {
            ["postgres"] = new V1Secret
            {
                Metadata = new V1ObjectMeta { Name = "postgres" },
                Data = new Dictionary<string, byte[]> { ["connectionString"] = System.Text.Encoding.UTF8.GetBytes(value) },
            },
        };
}
