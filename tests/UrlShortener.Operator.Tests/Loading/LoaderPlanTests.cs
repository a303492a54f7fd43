using k8s.Models;
using UrlShortener.Contracts;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Loading;
using UrlShortener.Operator.Pods;
using UrlShortener.Operator.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.Loading;

public sealed class LoaderPlanTests
{
    private static readonly DateTimeOffset Noon = new(2030, 1, 31, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Of_NewRegion_WaitsForWhatItsPodsNeed()
    {
        var region = Region();
        var empty = new ObservedLoaders { Secrets = Secrets() };

        Assert.Equal(Reasons.RegionNotReady, Plan(region, empty).Waiting?.Reason);
        var prepared = empty with { ServiceAccount = new V1ServiceAccount(), Settings = AppResources.BuildSettings(region) };
        Assert.Equal(Reasons.Migrating, Plan(region, prepared).Waiting?.Reason);
        var plan = Plan(region, Migrated(region, prepared));
        Assert.Equal((null, null, true, 1), (plan.Waiting, plan.Obstacle, plan.Applies, plan.Loaders));
        Assert.False(Plan(Suspended(region), prepared).Applies);
    }

    [Fact]
    public void Of_Loaders_KnowBothServersAndHoldNothingUp()
    {
        var region = Region();

        var process = Plan(region, new ObservedLoaders { Secrets = Secrets() }).Process;

        Assert.Equal(
            [
                ("ClickHouse:CaPath", "/etc/url-shortener/clickhouse/clickhouse-ca/ca.crt"),
                ("ClickHouse:MigrateOnStart", "true"),
                ("Clicks:Topic", "clicks"),
                ("ConnectionStrings:ClickHousePath", "/etc/url-shortener/clickhouse/clickhouse-connection/connectionString"),
                ("ConnectionStrings:Kafka", "kafka:9092"),
                ("Kafka:SaslMechanism", "SCRAM-SHA-512"),
                ("Kafka:SaslPasswordPath", "/etc/url-shortener/kafka/kafka-credentials/password"),
                ("Kafka:SaslUsername", "clicks"),
                ("Role", "clicks"),
            ],
            process.Settings.OrderBy(setting => setting.Key, StringComparer.Ordinal).Select(setting => (setting.Key, setting.Value))
        );
        var pod = RuntimePod.Build(region, process).Spec;
        Assert.Equal(
            ["clickhouse-ca", "clickhouse-connection", "kafka-credentials", "tmp"],
            pod.Volumes.Select(volume => volume.Name).Order(StringComparer.Ordinal)
        );
        Assert.All(pod.Volumes.Where(volume => volume.Secret is not null), volume => Assert.True(volume.Secret.Optional));
        Assert.Equal(
            pod.Volumes.Select(volume => volume.Name).Order(StringComparer.Ordinal),
            pod.Containers[0].VolumeMounts.Select(mount => mount.Name).Order(StringComparer.Ordinal)
        );
        Assert.Equal(
            ["POSTGRES"],
            pod.Containers[0].Env.Where(variable => variable.ValueFrom is not null).Select(variable => variable.Name.Split("__")[1].ToUpperInvariant())
        );
    }

    [Fact]
    public void Of_SecretsOfClickHouse_AreNoReasonToReplacePods()
    {
        var region = Region();
        var (missing, there) = (Secrets(), Secrets());
        there["clickhouse"] = Secret("clickhouse", 1);

        var (before, after) = (Plan(region, new ObservedLoaders { Secrets = missing }), Plan(region, new ObservedLoaders { Secrets = there }));

        Assert.Null(before.Obstacle);
        Assert.Equal(before.Process.SettingsDigest, after.Process.SettingsDigest);
        Assert.NotEqual(before.Process.SettingsDigest, Plan(region, new ObservedLoaders { Secrets = Secrets(postgres: 2) }).Process.SettingsDigest);
    }

    [Theory]
    [InlineData(false, "healthy", 0, "True", Reasons.AsExpected)]
    [InlineData(false, "degraded", 0, "False", Reasons.Unreachable)]
    [InlineData(true, "degraded", 0, "False", Reasons.Unreachable)]
    [InlineData(true, "healthy", 0, "False", Reasons.LoadFailing)]
    [InlineData(false, "healthy", 61, "False", Reasons.LoadBehind)]
    public void Status_LoadersSay_IsTheCondition(bool isFailing, string analytics, double delay, string status, string reason)
    {
        var region = Region();
        var answer = new HealthResponse("healthy", new ComponentsResponse("healthy", "healthy", "healthy") { Analytics = analytics }, "1.0")
        {
            Loading = new LoadingResponse(isFailing, 4, 0, delay),
        };
        var observed = Migrated(region, Prepared(region)) with { Answers = [answer] };

        Assert.Equal((status, reason), ConditionOf(region, observed));
    }

    [Fact]
    public void Status_NoLoaderAnswers_SaysWhy()
    {
        var region = Region();
        var prepared = Prepared(region);

        Assert.Equal(("False", Reasons.SecretNotFound), ConditionOf(region, prepared with { Secrets = Secrets() }));
        Assert.Equal(("Unknown", Reasons.Migrating), ConditionOf(region, prepared));
        var running = Migrated(region, prepared) with { Deployment = new V1Deployment { Spec = new V1DeploymentSpec { Replicas = 1 } } };
        Assert.Equal(("False", Reasons.TooFewPods), ConditionOf(region, running));
        running.Deployment!.Status = new V1DeploymentStatus { AvailableReplicas = 1 };
        Assert.Equal(("Unknown", Reasons.NotKnown), ConditionOf(region, running));
    }

    private static (string, string) ConditionOf(V1Alpha1ShortenerRegion region, ObservedLoaders observed)
    {
        var (_, conditions) = LoaderStatusRules.Build(region, observed, Plan(region, observed), Noon);
        var condition = Assert.Single(conditions.Conditions);
        Assert.Equal(ConditionTypes.AnalyticsHealthy, condition.Type);
        return (condition.Status, condition.Reason);
    }

    private static LoaderPlan Plan(V1Alpha1ShortenerRegion region, ObservedLoaders observed) => LoaderPlan.Of(region, observed, new LoaderHistory(), Noon);

    private static ObservedLoaders Prepared(V1Alpha1ShortenerRegion region) =>
        new()
        {
            Secrets = new Dictionary<string, V1Secret>(Secrets())
            {
                ["clickhouse"] = Secret("clickhouse", 1),
                ["authority"] = new()
                {
                    Metadata = new V1ObjectMeta { Name = "authority" },
                    Data = new Dictionary<string, byte[]> { ["ca.crt"] = [1] },
                },
            },
            ServiceAccount = new V1ServiceAccount(),
            Settings = AppResources.BuildSettings(region),
        };

    private static ObservedLoaders Migrated(V1Alpha1ShortenerRegion region, ObservedLoaders observed) =>
        observed with
        {
            App = new V1Deployment
            {
                Metadata = new V1ObjectMeta
                {
                    Annotations = new Dictionary<string, string> { [Labels.MigrationDigest] = Migration.Of(region, observed.Secrets, null, []).Digest },
                },
            },
        };

    private static V1Alpha1ShortenerRegion Suspended(V1Alpha1ShortenerRegion region)
    {
        region.Spec = region.Spec with { Suspend = SuspendMode.Changes };
        return region;
    }

    private static V1Alpha1ShortenerRegion Region() =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = "eu",
                NamespaceProperty = "links",
                Uid = "eu",
            },
            Spec = SpecJson.MinimalRegion() with
            {
                Kafka = new KafkaSpec
                {
                    BootstrapServers = ["kafka:9092"],
                    Mechanism = "SCRAM-SHA-512",
                    Username = "clicks",
                    CredentialsSecretRef = new KafkaPasswordSecretRef { Name = "kafka" },
                },
                ClickHouse = new ClickHouseSpec
                {
                    ConnectionSecretRef = new ConnectionSecretRef { Name = "clickhouse" },
                    CaSecretRef = new ClickHouseAuthoritySecretRef { Name = "authority" },
                },
            },
        };

    private static Dictionary<string, V1Secret> Secrets(byte postgres = 1) => new() { ["postgres"] = Secret("postgres", postgres) };

    private static V1Secret Secret(string name, byte value) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = name },
            Data = new Dictionary<string, byte[]> { ["connectionString"] = [value] },
        };
}
