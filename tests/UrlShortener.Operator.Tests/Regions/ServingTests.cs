using System.Net;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Pods;
using UrlShortener.TestServers.Kubernetes.Services;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>Regions with the real product in their pods.</summary>
public sealed class ServingTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    [Fact]
    public async Task Region_Applied_ServesAndStaysAsItIs()
    {
        await StartAsync();
        await Lab.Client.CreateAsync(Lab.Region());

        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        var service = await Lab.OpenServiceAsync();
        using var http = RegionLab.NewHttp(service);
        await FollowAsync(http, await RegionLab.CreateLinkAsync(http));
        await AssertStatusAsync();
        await AssertReplicasAreNotOursAsync();

        await AssertDeletedAreMadeAgainAsync();
        await AssertEditsAsync();
        await AssertManagementIsApartAsync();
        await AssertScaleIsLeftAsync();
        await AssertRestartWritesNothingAsync();
    }

    [Fact]
    public async Task Image_Changed_RollsUnderLoadWithoutAFailedRedirect()
    {
        await StartAsync();
        // Nobody answers there, and the Secret is missing: Kafka holds up nothing.
        await Lab.Client.CreateAsync(
            Lab.Region(
                patch: """
                {"kafka": {"bootstrapServers": ["127.0.0.1:1"], "mechanism": "SCRAM-SHA-512", "username": "clicks", "credentialsSecretRef": {"name": "kafka"}}}
                """
            )
        );
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        await Lab.UntilAsync(ConditionTypes.ClickEventsDelivered, "False", reason: Reasons.SecretNotFound);
        var service = await Lab.OpenServiceAsync();
        using var http = RegionLab.NewHttp(service);
        var path = await RegionLab.CreateLinkAsync(http);

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var load = FollowUntilAsync(service, path, ended.Token);
        await Lab.PatchAsync($$"""{ "app": { "image": "{{RegionLab.NewImage}}" } }""");
        await Eventually.HoldsAsync(
            async () =>
                (await Lab.ReadDeploymentAsync()) is { } deployment
                && deployment.Spec.Template.Spec.Containers[0].Image == RegionLab.NewImage
                && deployment.Status.UpdatedReplicas == 2
                && deployment.Status.Replicas == 2,
            () => "the new image runs in both pods, and no others are left"
        );
        await Lab.UntilAsync(ConditionTypes.Reconciling, "False");
        await ended.CancelAsync();

        Assert.True(await load > 0);
        await AssertEventsWaitAsync(service, path);
        // One migration for each image; the former one's Job is gone.
        Assert.Equal(
            RegionLab.NewImage,
            Assert
                .Single((await Lab.Client.BatchV1.ListNamespacedJobAsync(Lab.Namespace, cancellationToken: Token)).Items)
                .Spec.Template.Spec.Containers[0]
                .Image
        );

        // One that cannot be fetched: the migration is stuck, and nothing that serves is touched.
        await Lab.PatchAsync($$"""{ "app": { "image": "{{RegionLab.MissingImage}}" } }""");
        Assert.Contains(
            RegionLab.MissingImage,
            (await Lab.UntilAsync(ConditionTypes.Stalled, "True", reason: Reasons.ImagePullBackOff)).Message,
            StringComparison.Ordinal
        );
        await Lab.UntilAsync(ConditionTypes.Ready, "False", reason: Reasons.ImagePullBackOff);
        await Lab.UntilAsync(ConditionTypes.AppAvailable, "True");
        Assert.Equal(RegionLab.NewImage, (await Lab.ReadDeploymentAsync()).Spec.Template.Spec.Containers[0].Image);
        await FollowAsync(http, path);
        await Lab.PatchAsync($$"""{ "app": { "image": "{{RegionLab.NewImage}}" } }""");
        await Lab.UntilAsync(ConditionTypes.Stalled, "False");
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
    }

    // Pods take the Secret by themselves, and say that Kafka is away once a click waits. None is replaced.
    private async Task AssertEventsWaitAsync(ServiceProxy service, string path)
    {
        var before = await Lab.ReadDeploymentAsync();
        await Lab.Client.CoreV1.CreateNamespacedSecretAsync(
            new V1Secret
            {
                Metadata = new V1ObjectMeta { Name = "kafka" },
                StringData = new Dictionary<string, string> { ["password"] = "secret" },
            },
            Lab.Namespace,
            cancellationToken: Token
        );
        await Eventually.HoldsAsync(
            async () =>
            {
                // Each connection may reach another pod.
                using var http = RegionLab.NewHttp(service);
                await FollowAsync(http, path);
                var conditions = (await Lab.ReadAsync()).Status!.Conditions!;
                return conditions.Single(condition => condition.Type == ConditionTypes.ClickEventsDelivered).Reason == Reasons.Unreachable;
            },
            "the region says that Kafka cannot be reached"
        );
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        Assert.Equal(before.Metadata.Generation, (await Lab.ReadDeploymentAsync()).Metadata.Generation);
    }

    private async Task AssertStatusAsync()
    {
        // On a busy machine a pod may answer one probe too late.
        var region = await Eventually.ReadAsync(
            () => Lab.ReadAsync(),
            region =>
                region.Status is { Role: "Primary", App: { ReadyReplicas: 2, UpdatedReplicas: 2 }, Dependencies: { } all }
                && all.All(dependency => dependency.Reachable == true),
            "both pods serve, and reach what they depend on"
        );
        var status = region.Status!;
        Assert.Contains("app.kubernetes.io/instance=eu", status.App!.Selector, StringComparison.Ordinal);
        Assert.Equal(["postgres", "redis"], status.Dependencies!.Select(dependency => dependency.Name));
    }

    private async Task AssertManagementIsApartAsync()
    {
        var container = (await Lab.ReadDeploymentAsync()).Spec.Template.Spec.Containers[0];
        Assert.Equal([("http", 8080), ("management", 8081)], container.Ports.Select(port => (port.Name, port.ContainerPort)));
        Assert.All([container.StartupProbe, container.ReadinessProbe, container.LivenessProbe], probe => Assert.Equal("management", probe.HttpGet.Port.Value));
        var service = await Lab.Client.CoreV1.ReadNamespacedServiceAsync("eu-app", Lab.Namespace, cancellationToken: Token);
        Assert.Equal("http", Assert.Single(service.Spec.Ports).TargetPort.Value);
        var policy = await Lab.Client.NetworkingV1.ReadNamespacedNetworkPolicyAsync("eu-app", Lab.Namespace, cancellationToken: Token);
        var (links, management) = (policy.Spec.Ingress[0], policy.Spec.Ingress[1]);
        Assert.Equal(("http", true), (Assert.Single(links.Ports).Port.Value, links.FromProperty is null or []));
        Assert.Equal("management", Assert.Single(management.Ports).Port.Value);
        Assert.Equal(
            ["url-shortener-operator", "prometheus"],
            management.FromProperty.Select(peer => Assert.Single(peer.PodSelector.MatchLabels, label => label.Key == "app.kubernetes.io/name").Value)
        );
        // What visitors reach of the pods.
        using var http = RegionLab.NewHttp(await Lab.OpenServiceAsync());
        foreach (var path in new[] { "/metrics", "/health/live", "/health/ready" })
        {
            using var refused = await http.GetAsync(path, Token);
            Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
        }

        await Eventually.HoldsAsync(
            async () =>
            {
                using var health = await http.GetAsync("/health", Token);
                return health.StatusCode == HttpStatusCode.OK;
            },
            "the health is told"
        );
    }

    private async Task AssertReplicasAreNotOursAsync()
    {
        var owners = (await Lab.ReadDeploymentAsync()).Metadata.ManagedFields.Where(entry =>
            KubernetesJson.Serialize(entry.FieldsV1).Contains("\"f:replicas\"", StringComparison.Ordinal)
            && entry.Subresource != "status"
            && entry.Manager != "kube-controller-manager"
        );
        Assert.DoesNotContain(owners, entry => entry.Manager == FieldManagers.Operator);
    }

    private async Task AssertDeletedAreMadeAgainAsync()
    {
        var service = await Lab.Client.CoreV1.ReadNamespacedServiceAsync("eu-app", Lab.Namespace, cancellationToken: Token);
        var settings = await Lab.Client.CoreV1.ReadNamespacedConfigMapAsync("eu-settings", Lab.Namespace, cancellationToken: Token);
        var account = await Lab.Client.CoreV1.ReadNamespacedServiceAccountAsync("eu-runtime", Lab.Namespace, cancellationToken: Token);
        var policy = await Lab.Client.NetworkingV1.ReadNamespacedNetworkPolicyAsync("eu-app", Lab.Namespace, cancellationToken: Token);
        string[] before = [service.Metadata.Uid, settings.Metadata.Uid, account.Metadata.Uid, policy.Metadata.Uid];

        await Lab.Operator.Client.DeleteAsync(service, Token);
        await Lab.Operator.Client.DeleteAsync(settings, Token);
        await Lab.Operator.Client.DeleteAsync(account, Token);
        await Lab.Operator.Client.DeleteAsync(policy, Token);

        await Eventually.HoldsAsync(
            async () =>
            {
                var services = (await Lab.Client.CoreV1.ListNamespacedServiceAsync(Lab.Namespace, cancellationToken: Token)).Items.Select(item =>
                    item.Metadata
                );
                var maps = (await Lab.Client.CoreV1.ListNamespacedConfigMapAsync(Lab.Namespace, cancellationToken: Token)).Items.Select(item => item.Metadata);
                var accounts = (await Lab.Client.CoreV1.ListNamespacedServiceAccountAsync(Lab.Namespace, cancellationToken: Token)).Items.Select(item =>
                    item.Metadata
                );
                var policies = (await Lab.Client.NetworkingV1.ListNamespacedNetworkPolicyAsync(Lab.Namespace, cancellationToken: Token)).Items.Select(item =>
                    item.Metadata
                );
                return services
                        .Concat(maps)
                        .Concat(accounts)
                        .Concat(policies)
                        .Count(item => item.Name.StartsWith("eu-", StringComparison.Ordinal) && !before.Contains(item.Uid)) == before.Length;
            },
            "all are there again"
        );
    }

    private async Task AssertEditsAsync()
    {
        await Lab.Client.AppsV1.PatchNamespacedDeploymentAsync(
            new V1Patch(
                """{ "metadata": { "labels": { "team": "links" } }, "spec": { "template": { "spec": { "terminationGracePeriodSeconds": 1 } } } }""",
                V1Patch.PatchType.MergePatch
            ),
            "eu-app",
            Lab.Namespace,
            cancellationToken: Token
        );

        await Eventually.HoldsAsync(
            async () => (await Lab.ReadDeploymentAsync()).Spec.Template.Spec.TerminationGracePeriodSeconds == RuntimePod.TerminationSeconds,
            "what the operator owns is changed back"
        );
        Assert.Equal("links", (await Lab.ReadDeploymentAsync()).Metadata.Labels["team"]);
        await Eventually.HoldsAsync(
            async () =>
                (await Lab.Client.EventsV1.ListNamespacedEventAsync(Lab.Namespace, cancellationToken: Token)).Items.Any(entry =>
                    entry.Reason == "Reverted" && entry.Note.Contains("terminationGracePeriodSeconds", StringComparison.Ordinal)
                ),
            "an event says what was changed back"
        );
    }

    private async Task AssertScaleIsLeftAsync()
    {
        await Lab.Client.AppsV1.PatchNamespacedDeploymentScaleAsync(
            new V1Patch("""{ "spec": { "replicas": 3 } }""", V1Patch.PatchType.MergePatch),
            "eu-app",
            Lab.Namespace,
            fieldManager: "somebody",
            cancellationToken: Token
        );
        await Eventually.HoldsAsync(async () => (await Lab.ReadAsync()).Status?.App?.ReadyReplicas == 3, "three pods serve");
        await Lab.PatchAsync("""{ "app": { "maxReplicas": 9 } }""");
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        Assert.Equal(3, (await Lab.ReadDeploymentAsync()).Spec.Replicas);
    }

    private async Task AssertRestartWritesNothingAsync()
    {
        await Lab.UntilAsync(ConditionTypes.Reconciling, "False");
        await Lab.Operator.StopAsync();
        var restarted = TimeProvider.System.GetUtcNow();
        await Lab.StartOperatorAsync();

        // The status alone shows this change. Once it does, the operator has handled everything before it.
        await Lab.PatchAsync("""{ "failover": { "priority": 7 } }""");
        await Eventually.HoldsAsync(
            async () => await Lab.ReadAsync() is { Spec.Failover.Priority: 7 } region && region.Status?.ObservedGeneration == region.Metadata.Generation,
            "the status describes the new generation"
        );

        Assert.All(await Lab.ReadWritesAsync(restarted), entry => Assert.Equal(("shortenerregions", "status"), (entry.Resource, entry.Subresource)));
    }

    private static async Task FollowAsync(HttpClient http, string path)
    {
        using var response = await http.GetAsync(new Uri(path, UriKind.Relative), Token);
        Assert.Equal(HttpStatusCode.Found, response.StatusCode);
    }

    // Four visitors, each on connections of their own; returns how many redirects there were. Fails with the first that is none.
    private static async Task<int> FollowUntilAsync(ServiceProxy service, string path, CancellationToken ended)
    {
        var counts = await Task.WhenAll(
            Enumerable
                .Range(0, 4)
                .Select(async _ =>
                {
                    using var http = RegionLab.NewHttp(service);
                    var count = 0;
                    for (; !ended.IsCancellationRequested; count++)
                    {
                        await FollowAsync(http, path);
                        // A pause, not a wait for something: it leaves the processor to the pods that come and go.
                        await Task.Delay(5, CancellationToken.None);
                    }

                    return count;
                })
        );
        return counts.Sum();
    }
}
