using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Pods;
using Xunit;

namespace UrlShortener.Operator.Tests.Pods;

public sealed class RuntimePodTests
{
    /// <summary>After the first attempt Kubernetes' namespace controller waits for half the grace period of the longest-lived pod, and a second.</summary>
    [Fact]
    public void TerminationTime_CoversTheProcess_AndLetsANamespaceEndInAMinute()
    {
        var stop = RuntimeEnvironment.DrainDelay + RuntimeEnvironment.StopLimit;
        Assert.True(stop + TimeSpan.FromSeconds(5) <= TimeSpan.FromSeconds(RuntimePod.TerminationSeconds));

        // A pod that is killed ends right after the second attempt, so that the third one finds none.
        var step = (RuntimePod.TerminationSeconds / 2) + 1;
        Assert.InRange(3 * step, RuntimePod.TerminationSeconds + 5, 58);
    }

    [Fact]
    public void Node_Lost_PodsAreReplacedAfterHalfAMinute()
    {
        Assert.Equal(
            [("node.kubernetes.io/not-ready", "NoExecute", 30L), ("node.kubernetes.io/unreachable", "NoExecute", 30L)],
            Build().Tolerations.Select(toleration => (toleration.Key, toleration.Effect, toleration.TolerationSeconds))
        );
        // It may still run on a node that is cut off.
        Assert.Null(Build(isJob: true).Tolerations);
    }

    [Theory]
    [InlineData(null, "Exists", null, 0)]
    [InlineData("node.kubernetes.io/unreachable", "Exists", "NoExecute", 1)]
    [InlineData("node.kubernetes.io/unreachable", "Equal", null, 1)]
    [InlineData("node.kubernetes.io/unreachable", "Exists", "NoSchedule", 2)]
    [InlineData("dedicated", "Exists", "NoExecute", 2)]
    public void Node_Lost_TheSpecificationDecidesWhatItCovers(string? key, string @operator, string? effect, int added)
    {
        var own = new Toleration
        {
            Key = key,
            Operator = @operator,
            Effect = effect,
            TolerationSeconds = effect == "NoExecute" ? 120 : null,
        };

        var tolerations = Build(own).Tolerations;

        Assert.Equal(1 + added, tolerations.Count);
        Assert.Equal((key, effect, own.TolerationSeconds), (tolerations[0].Key, tolerations[0].Effect, (int?)tolerations[0].TolerationSeconds));
        Assert.Equal(added, tolerations.Count(toleration => toleration.TolerationSeconds == RuntimePod.LostNodeSeconds));
    }

    [Fact]
    public void Spread_CountsPodsOfOneSpecificationOnNodesThatTakePods() =>
        Assert.All(
            Build().TopologySpreadConstraints,
            constraint => Assert.Equal(("pod-template-hash", "Honor"), (Assert.Single(constraint.MatchLabelKeys), constraint.NodeTaintsPolicy))
        );

    [Fact]
    public void PodAnnotations_OfWhatTheOperatorSetsByDefault_ReplaceIt()
    {
        // Prometheus must not find the pods by annotations where it finds them by a PodMonitor.
        var metadata = BuildMetadata(
            new AppSpec
            {
                Image = "runtime:1",
                PodAnnotations = new Dictionary<string, string> { ["prometheus.io/scrape"] = "false" },
            }
        );

        Assert.Equal(("false", "8081"), (metadata.Annotations["prometheus.io/scrape"], metadata.Annotations["prometheus.io/port"]));
    }

    /// <summary>An object of an earlier version of the definition may be stored with them. The status says InvalidSpec, and computes the pods all the same.</summary>
    [Fact]
    public void PodLabels_OfTheOperator_AreItsOwn()
    {
        var metadata = BuildMetadata(
            new AppSpec
            {
                Image = "runtime:1",
                PodLabels = new Dictionary<string, string> { ["app.kubernetes.io/name"] = "x" },
            }
        );

        Assert.Equal("url-shortener", metadata.Labels["app.kubernetes.io/name"]);
    }

    [Fact]
    public void Kafka_OfTheApp_HasASpoolWithRoomAndSecretsThatHoldUpNoPod()
    {
        var region = WithKafka();

        var pod = RuntimePod.Build(region, new RuntimeProcess("eu", Names.App, "runtime:1", [], new ResourcesSpec(), "digest")).Spec;

        // More than the process writes: Kubernetes ends a pod whose volume outgrows its limit.
        var spool = Assert.Single(pod.Volumes, volume => volume.Name == "spool").EmptyDir;
        Assert.Equal("2112Mi", spool.SizeLimit.ToString());
        var container = Assert.Single(pod.Containers);
        Assert.Equal("2112Mi", container.Resources.Requests["ephemeral-storage"].ToString());
        Assert.True(container.SecurityContext.ReadOnlyRootFilesystem);
        // The group of the process owns the volume.
        Assert.Equal(pod.SecurityContext.RunAsGroup, pod.SecurityContext.FsGroup);
        var secrets = pod.Volumes.Where(volume => volume.Name.StartsWith("kafka-", StringComparison.Ordinal)).ToList();
        Assert.Equal(["ca", "user", "clicks"], secrets.Select(volume => volume.Secret.SecretName));
        Assert.All(secrets, volume => Assert.True(volume.Secret.Optional));
        var paths = container.VolumeMounts.ToDictionary(mount => mount.Name, mount => mount.MountPath);
        var settings = ClickEvents.SettingsOf(region).ToDictionary();
        Assert.Equal("2147483648", settings["Clicks:SpoolBytes"]);
        Assert.Equal(paths["spool"], settings["Clicks:SpoolDirectory"]);
        Assert.Equal($"{paths["kafka-ca"]}/ca.crt", settings["Kafka:CaPath"]);
        Assert.Equal(
            ($"{paths["kafka-certificate"]}/user.crt", $"{paths["kafka-certificate"]}/user.key"),
            (settings["Kafka:CertificatePath"], settings["Kafka:KeyPath"])
        );
        Assert.Equal($"{paths["kafka-credentials"]}/password", settings["Kafka:SaslPasswordPath"]);
        Assert.Equal(
            ("a:9092,b:9092", "visits", "true", "SCRAM-SHA-512", "me"),
            (
                settings["ConnectionStrings:Kafka"],
                settings["Clicks:Topic"],
                settings["Kafka:Tls"],
                settings["Kafka:SaslMechanism"],
                settings["Kafka:SaslUsername"]
            )
        );
    }

    [Theory]
    [InlineData(Names.Kgs)]
    [InlineData(Names.Migrate)]
    public void Kafka_OfOtherProcesses_IsNone(string component)
    {
        var pod = RuntimePod.Build(WithKafka(), new RuntimeProcess("eu", component, "runtime:1", [], new ResourcesSpec(), "digest")).Spec;

        Assert.Equal(["tmp"], pod.Volumes.Select(volume => volume.Name));
        Assert.Empty(Assert.Single(pod.Containers).Resources.Requests);
    }

    [Fact]
    public void Kafka_SpecificationSaysHowMuchEphemeralStorage_IsLeftAlone()
    {
        var resources = new ResourcesSpec { Limits = new Dictionary<string, ResourceQuantity> { ["ephemeral-storage"] = new("4Gi") } };

        var pod = RuntimePod.Build(WithKafka(), new RuntimeProcess("eu", Names.App, "runtime:1", [], resources, "digest")).Spec;

        Assert.Empty(Assert.Single(pod.Containers).Resources.Requests);
    }

    private static V1Alpha1ShortenerRegion WithKafka()
    {
        var region = Region(new AppSpec { Image = "runtime:1" });
        region.Spec = region.Spec with
        {
            Kafka = new KafkaSpec
            {
                BootstrapServers = ["a:9092", "b:9092"],
                Topic = "visits",
                Tls = true,
                CaSecretRef = new KafkaAuthoritySecretRef { Name = "ca" },
                CertificateSecretRef = new KafkaCertificateSecretRef { Name = "user" },
                Mechanism = "SCRAM-SHA-512",
                Username = "me",
                CredentialsSecretRef = new KafkaPasswordSecretRef { Name = "clicks" },
                SpoolSize = new ResourceQuantity("2Gi"),
            },
        };
        return region;
    }

    private static V1ObjectMeta BuildMetadata(AppSpec app) =>
        RuntimePod.Build(Region(app), new RuntimeProcess("eu", Names.App, "runtime:1", [], new ResourcesSpec(), "digest")).Metadata;

    private static V1PodSpec Build(Toleration? toleration = null, bool isJob = false)
    {
        var region = Region(new AppSpec { Image = "runtime:1", Tolerations = toleration is null ? [] : [toleration] });
        return RuntimePod.Build(region, new RuntimeProcess("eu", Names.App, "runtime:1", [], new ResourcesSpec(), "digest") { IsJob = isJob }).Spec;
    }

    private static V1Alpha1ShortenerRegion Region(AppSpec app) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = "eu" },
            Spec = new RegionSpec { App = app },
        };
}
