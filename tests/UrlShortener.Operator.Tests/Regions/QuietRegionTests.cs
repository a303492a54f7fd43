using System.Reflection;
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

public sealed class QuietRegionTests
{
    private static readonly DateTimeOffset Noon = new(2030, 1, 31, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Covers_TheSameAgain_UntilTheLimit()
    {
        var (region, observed) = Quiet();
        var quiet = new QuietRegion(region.Metadata.ResourceVersion, observed, Noon);
        // As another reconcile reads it: other lists of the same instances.
        var again = observed with
        {
            Group = [.. observed.Group],
            KeyPools = [.. observed.KeyPools],
            Jobs = [.. observed.Jobs],
            Pods = [.. observed.Pods],
            Secrets = observed.Secrets.ToDictionary(),
            Health = Health(HealthStatus.Healthy),
        };

        Assert.True(quiet.Covers(region, again, Noon));
        Assert.True(quiet.Covers(region, again, Noon + QuietRegion.Limit - TimeSpan.FromTicks(1)));
        Assert.False(quiet.Covers(region, again, Noon + QuietRegion.Limit));
        region.Metadata.ResourceVersion = "8";
        Assert.False(quiet.Covers(region, again, Noon));
    }

    public static TheoryData<string> Observations => [.. typeof(ObservedRegion).GetProperties().Select(property => property.Name)];

    [Theory]
    [MemberData(nameof(Observations))]
    public void Covers_AnotherObservation_Never(string name)
    {
        var (region, observed) = Quiet();
        var property = typeof(ObservedRegion).GetProperty(name)!;
        var other = observed with { };
        property.SetValue(other, Other(property, observed));

        Assert.False(new QuietRegion(region.Metadata.ResourceVersion, observed, Noon).Covers(region, other, Noon));
        Assert.False(new QuietRegion(region.Metadata.ResourceVersion, other, Noon).Covers(region, observed, Noon));
    }

    [Fact]
    public void IsQuiet_ReadyRegionWhoseObjectsAreApplied_Is()
    {
        var (region, observed) = Quiet();

        Assert.True(IsQuiet(region, observed));
        // What the cluster does not serve cannot be applied.
        Assert.True(IsQuiet(region, observed with { ServesPodMonitors = false, PodMonitor = null }));
        region.Spec = region.Spec with { App = region.Spec.App with { NetworkPolicy = region.Spec.App.NetworkPolicy with { Enabled = false } } };
        Assert.False(IsQuiet(region, observed));
        Assert.True(IsQuiet(region, observed with { NetworkPolicy = null }));
        region.Spec = region.Spec with { Monitoring = new MonitoringSpec() };
        Assert.False(IsQuiet(region, observed with { NetworkPolicy = null }));
        Assert.True(IsQuiet(region, observed with { NetworkPolicy = null, PodMonitor = null }));
    }

    [Theory]
    [InlineData(nameof(ObservedRegion.ServiceAccount))]
    [InlineData(nameof(ObservedRegion.Settings))]
    [InlineData(nameof(ObservedRegion.Deployment))]
    [InlineData(nameof(ObservedRegion.Service))]
    [InlineData(nameof(ObservedRegion.Autoscaler))]
    [InlineData(nameof(ObservedRegion.DisruptionBudget))]
    [InlineData(nameof(ObservedRegion.NetworkPolicy))]
    [InlineData(nameof(ObservedRegion.PodMonitor))]
    public void IsQuiet_ObjectThatDiffers_IsNot(string name)
    {
        var (region, observed) = Quiet();
        var differs = typeof(ObservedRegion).GetProperty(name)!.GetValue(observed);

        Assert.NotNull(differs);
        Assert.False(IsQuiet(region, observed, isApplied: live => live is not null && !ReferenceEquals(live, differs)));
    }

    [Theory]
    [InlineData(ConditionTypes.Ready, "False")]
    [InlineData(ConditionTypes.Ready, "Unknown")]
    [InlineData(ConditionTypes.Reconciling, "True")]
    [InlineData(ConditionTypes.Stalled, "True")]
    public void IsQuiet_Condition_IsNot(string type, string status)
    {
        var (region, observed) = Quiet();
        var conditions = region.Status!.Conditions!.Select(one => one.Type == type ? Condition(type, status) : one).ToList();
        region.Status = region.Status with { Conditions = conditions };

        Assert.False(IsQuiet(region, observed));
    }

    [Fact]
    public void IsQuiet_PlanThatActsOrWaits_IsNot()
    {
        var (region, observed) = Quiet();
        var plan = Plan(region, observed);
        var obstacle = new Obstacle(Reasons.ApplyRefused, "It is refused.");
        RegionPlan[] plans =
        [
            plan with
            {
                Applies = false,
            },
            plan with
            {
                AwaitsStore = true,
            },
            plan with
            {
                Floor = 0,
            },
            plan with
            {
                StartsMigration = true,
            },
            plan with
            {
                Obstacle = obstacle,
            },
            plan with
            {
                MonitorObstacle = obstacle,
            },
            plan with
            {
                SettlesIn = TimeSpan.FromSeconds(1),
            },
            plan with
            {
                Rescale = 3,
            },
            plan with
            {
                FirstReplicas = 3,
            },
            plan with
            {
                EndedJobs = [new V1Job()],
            },
            plan with
            {
                OrphanedJobs = [new V1Job()],
            },
            plan with
            {
                Role = plan.Role with { Refusal = "It is refused." },
            },
            plan with
            {
                Role = plan.Role with { Topology = new TopologyStatus { Epoch = 1 } },
            },
        ];

        Assert.All(plans, other => Assert.False(QuietRegion.IsQuiet(region, observed, other, region.Status!, live => live is not null)));
    }

    private static bool IsQuiet(V1Alpha1ShortenerRegion region, ObservedRegion observed, Func<object?, bool>? isApplied = null) =>
        QuietRegion.IsQuiet(region, observed, Plan(region, observed), region.Status!, isApplied ?? (live => live is not null));

    private static RegionPlan Plan(V1Alpha1ShortenerRegion region, ObservedRegion observed) => RegionPlan.Of(region, observed, Noon);

    private static (V1Alpha1ShortenerRegion Region, ObservedRegion Observed) Quiet()
    {
        var region = new V1Alpha1ShortenerRegion
        {
            Metadata = new V1ObjectMeta
            {
                Name = "eu",
                NamespaceProperty = "links",
                Uid = "1",
                ResourceVersion = "7",
                CreationTimestamp = Noon.UtcDateTime,
            },
            Spec = SpecJson.MinimalRegion(),
            Status = new RegionStatus
            {
                Conditions =
                [
                    Condition(ConditionTypes.Ready, "True"),
                    Condition(ConditionTypes.Reconciling, "False"),
                    Condition(ConditionTypes.Stalled, "False"),
                ],
            },
        };
        region.Spec = region.Spec with { Monitoring = region.Spec.Monitoring with { PodMonitor = region.Spec.Monitoring.PodMonitor with { Enabled = true } } };
        var observed = new ObservedRegion
        {
            Group = [region],
            KeyPools = [new V1Alpha1KeyPool()],
            Secrets = new Dictionary<string, V1Secret>
            {
                ["postgres"] = new V1Secret
                {
                    Metadata = new V1ObjectMeta { Name = "postgres" },
                    Data = new Dictionary<string, byte[]> { ["connectionString"] = [1] },
                },
            },
            Blocklist = new V1ConfigMap(),
            ServiceAccount = new V1ServiceAccount(),
            Settings = new V1ConfigMap(),
            Service = new V1Service(),
            Autoscaler = new V2HorizontalPodAutoscaler(),
            DisruptionBudget = new V1PodDisruptionBudget(),
            NetworkPolicy = new V1NetworkPolicy(),
            PodMonitor = new V1PodMonitor(),
            ServesPodMonitors = true,
            Pods = [new V1Pod { Metadata = new V1ObjectMeta { Name = "eu-app-1" } }],
            Health = Health(HealthStatus.Healthy),
        };
        var digest = Plan(region, observed).Migration.Digest;
        var deployment = new V1Deployment
        {
            Metadata = Owned.Metadata(region, Names.App, Names.App),
            Spec = new V1DeploymentSpec { Replicas = 3 },
        };
        deployment.Metadata.Annotations = new Dictionary<string, string> { [Labels.MigrationDigest] = digest };
        return (region, observed with { Deployment = deployment });
    }

    // Another value of the same content, if it is an object: as the cache has it after a write that changed nothing that the operator looks at.
    private static object? Other(PropertyInfo property, ObservedRegion observed) =>
        property.Name switch
        {
            nameof(ObservedRegion.Group) => new List<V1Alpha1ShortenerRegion> { new() },
            nameof(ObservedRegion.KeyPools) => new List<V1Alpha1KeyPool> { new() },
            nameof(ObservedRegion.Jobs) => new List<V1Job> { new() },
            nameof(ObservedRegion.Pods) => new List<V1Pod> { new() { Metadata = new V1ObjectMeta { Name = "eu-app-1" } } },
            nameof(ObservedRegion.Secrets) => observed.Secrets.ToDictionary(secret => secret.Key, _ => new V1Secret()),
            nameof(ObservedRegion.Health) => Health(HealthStatus.Degraded),
            nameof(ObservedRegion.ServesPodMonitors) => !observed.ServesPodMonitors,
            nameof(ObservedRegion.ConnectionChangedAt) => Noon,
            nameof(ObservedRegion.MigrationRefusal) => "quota exceeded",
            _ => null,
        };

    private static HealthResponse Health(string state) => new(state, new ComponentsResponse(state, state, state), "1.0.0");

    private static V1Condition Condition(string type, string status) => new() { Type = type, Status = status };
}
