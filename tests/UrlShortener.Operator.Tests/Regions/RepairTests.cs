using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>Objects of a region that somebody edits, or that the cluster refuses or changes.</summary>
public sealed class RepairTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    /// <summary>
    /// Edits that a merge cannot undo: of keys of lists, of fields that exclude others, of selectors that narrow. Most of them make the API server refuse what
    /// server-side apply makes of them.
    /// </summary>
    [Fact]
    public async Task Objects_EditedInEveryWay_AreRepaired()
    {
        await StartWithFakePodsAsync();
        await Lab.Client.CreateAsync(Lab.Region());
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        var before = await ReadAllAsync();

        await PatchAsync<V1Deployment>("""{ "metadata": { "annotations": { "kubectl.kubernetes.io/restartedAt": "noon" } } }""", "template");
        await PatchAsync<V1Service>("""{ "ports": [{ "name": "http", "port": 81, "targetPort": "http" }] }""");
        await PatchAsync<V1Service>("""{ "selector": { "version": "v2" } }""");
        await PatchAsync<V1PodDisruptionBudget>("""{ "maxUnavailable": null, "minAvailable": 9 }""");
        await PatchAsync<V1NetworkPolicy>("""{ "podSelector": { "matchLabels": { "version": "v2" } } }""");
        await PatchAsync<V1NetworkPolicy>("""{ "ingress": [{ "from": [{ "podSelector": {} }], "ports": [{ "port": "http" }, { "port": 9 }] }] }""");
        await PatchAsync<V2HorizontalPodAutoscaler>(
            """{ "metrics": [{ "type": "Resource", "resource": { "name": "memory", "target": { "type": "Utilization", "averageUtilization": 9 } } }] }"""
        );
        await EditPodsAsync(pods => pods["containers"]![0]!["ports"]![0]!["containerPort"] = 8081);
        await EditPodsAsync(pods => pods["containers"]![0]!["command"] = new JsonArray("sleep"));
        await EditPodsAsync(pods => pods["containers"]![0]!["name"] = "edited");
        await EditPodsAsync(pods => pods["nodeSelector"] = new JsonObject { ["disk"] = "none" });
        await EditPodsAsync(pods =>
            pods["volumes"]![0] = new JsonObject
            {
                ["name"] = "tmp",
                ["hostPath"] = new JsonObject { ["path"] = "/tmp" },
            }
        );
        await EditPodsAsync(pods => pods["containers"]![0]!["env"]!.AsArray().Add(new JsonObject { ["name"] = "Role", ["value"] = "kgs" }));

        await PatchAsync<V1Service>("""{ "publishNotReadyAddresses": true, "internalTrafficPolicy": "Local" }""");
        await PatchAsync<V1Deployment>("9", "minReadySeconds");
        await EditPodsAsync(pods =>
        {
            pods["readinessGates"] = new JsonArray(new JsonObject { ["conditionType"] = "example.com/never" });
            pods["schedulingGates"] = new JsonArray(new JsonObject { ["name"] = "example.com/never" });
            pods["hostAliases"] = new JsonArray(new JsonObject { ["ip"] = "127.0.0.9", ["hostnames"] = new JsonArray("postgres") });
            pods["containers"]![0]!["resources"]!["limits"] = new JsonObject { ["cpu"] = "300m", ["memory"] = "300Mi" };
            pods["containers"]![0]!["securityContext"]!["runAsUser"] = 0;
            pods["containers"]![0]!["readinessProbe"]!["httpGet"]!["host"] = "127.0.0.9";
        });

        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        var after = await ReadAllAsync();
        Assert.Equal(before, after);
        Assert.True((await Lab.ReadDeploymentAsync()).Spec.Template.Metadata.Annotations.ContainsKey("kubectl.kubernetes.io/restartedAt"));
        Assert.DoesNotContain((await Lab.ReadDeploymentAsync()).Metadata.ManagedFields, entry => entry.Manager == FieldManagers.Repair);
        Assert.DoesNotContain(await ReadEventsAsync(), entry => entry.Reason == Reasons.ApplyRefused);
    }

    /// <summary>Finalizers of others keep an object that somebody deleted, and Kubernetes' controllers no longer act on it.</summary>
    [Fact]
    public async Task Object_DeletedAndKeptByAFinalizer_IsTold()
    {
        await StartWithFakePodsAsync();
        await Lab.Client.CreateAsync(Lab.Region());
        await Eventually.HoldsAsync(async () => (await ReadServicesAsync()).Count > 0, "the Service is made");
        await EditServiceAsync("""{ "metadata": { "finalizers": ["example.com/stays"] } }""");
        await Lab.Client.CoreV1.DeleteNamespacedServiceAsync("eu-app", Lab.Namespace, cancellationToken: Token);

        var stalled = await Lab.UntilAsync(ConditionTypes.Stalled, "True", reason: Reasons.BeingDeleted);
        Assert.Contains("Service eu-app is being deleted and waits for its finalizers (example.com/stays).", stalled.Message, StringComparison.Ordinal);

        await EditServiceAsync("""{ "metadata": { "finalizers": null } }""");
        await Eventually.HoldsAsync(async () => await ReadServicesAsync() is [{ Metadata.DeletionTimestamp: null }], () => "the Service is made again");
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        await Lab.UntilAsync(ConditionTypes.Stalled, "False");
    }

    /// <summary>A tool that knows only its own annotations removes those of the operator again and again.</summary>
    [Fact]
    public async Task Annotation_RemovedAgainAndAgain_IsRestoredLessOften()
    {
        await StartWithFakePodsAsync();
        await Lab.Client.CreateAsync(Lab.Region());
        await Eventually.HoldsAsync(async () => (await ReadServicesAsync()).Count > 0, "the Service is made");

        for (var time = 0; time < Contest.FreeReverts; time++)
        {
            await EditServiceAsync($$"""{ "metadata": { "annotations": { "{{Labels.AppliedDigest}}": null } } }""");
            await Eventually.HoldsAsync(async () => await ReadServicesAsync() is [{ Metadata.Annotations.Count: > 0 }], () => "the annotation is back");
        }

        await Eventually.HoldsAsync(
            async () => (await ReadEventsAsync()).Any(entry => entry.Reason == "Contested" && entry.Note.Contains("Service eu-app", StringComparison.Ordinal)),
            "the contest is told"
        );
    }

    private async Task<IList<V1Service>> ReadServicesAsync() =>
        (await Lab.Client.CoreV1.ListNamespacedServiceAsync(Lab.Namespace, fieldSelector: "metadata.name=eu-app", cancellationToken: Token)).Items;

    private Task<V1Service> EditServiceAsync(string patch) =>
        Lab.Client.CoreV1.PatchNamespacedServiceAsync(new V1Patch(patch, V1Patch.PatchType.MergePatch), "eu-app", Lab.Namespace, cancellationToken: Token);

    [Fact]
    public async Task Object_RefusedByAPolicy_IsToldAndHoldsNothingBack()
    {
        await StartWithFakePodsAsync();
        await using var policy = await ClusterPolicy.DenyAsync(
            Lab.Client,
            Lab.Namespace,
            "networking.k8s.io",
            "networkpolicies",
            "no policies of your own, please",
            () =>
                Lab.Client.NetworkingV1.CreateNamespacedNetworkPolicyAsync(
                    new V1NetworkPolicy
                    {
                        Metadata = new V1ObjectMeta { Name = "probe" },
                        Spec = new V1NetworkPolicySpec { PodSelector = new V1LabelSelector() },
                    },
                    Lab.Namespace,
                    dryRun: "All",
                    cancellationToken: Token
                )
        );
        await Lab.Client.CreateAsync(Lab.Region());

        var stalled = await Lab.UntilAsync(ConditionTypes.Stalled, "True", reason: Reasons.ApplyRefused);
        Assert.Contains("NetworkPolicy eu-app", stalled.Message, StringComparison.Ordinal);
        Assert.Contains("no policies of your own, please", stalled.Message, StringComparison.Ordinal);
        // All the rest is there, serves, and is repaired.
        await Lab.UntilAsync(ConditionTypes.AppAvailable, "True");
        await Lab.Client.AutoscalingV2.ReadNamespacedHorizontalPodAutoscalerAsync("eu-app", Lab.Namespace, cancellationToken: Token);
        await Lab.Client.PolicyV1.ReadNamespacedPodDisruptionBudgetAsync("eu-app", Lab.Namespace, cancellationToken: Token);
        await EditPodsAsync(pods => pods["containers"]![0]!["image"] = RegionLab.MissingImage);
        Assert.Equal(RegionLab.Image, (await Lab.ReadDeploymentAsync()).Spec.Template.Spec.Containers[0].Image);
        Assert.Equal("False", (await Lab.UntilAsync(ConditionTypes.Ready, "False", reason: Reasons.ApplyRefused)).Status);
        await Eventually.HoldsAsync(
            async () =>
                (await ReadEventsAsync()).Any(entry =>
                    entry is { Type: "Warning", Reason: Reasons.ApplyRefused } && entry.Note.Contains("please", StringComparison.Ordinal)
                ),
            "an event tells of it"
        );

        await policy.EndAsync();
        // The operator tries again each minute at least, and at each change.
        await Lab.PatchAsync("""{ "failover": { "priority": 7 } }""");
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        await Lab.UntilAsync(ConditionTypes.Stalled, "False");
    }

    /// <summary>As with a mirror of images, and a cap on autoscalers: of 2 pods 2 run the newest specification, and nobody fights.</summary>
    [Fact]
    public async Task Objects_ChangedByTheCluster_AreAcceptedAndToldOnce()
    {
        await StartWithFakePodsAsync();
        if (Lab.Cluster.Version.Minor < 36)
            Assert.Skip("MutatingAdmissionPolicy needs Kubernetes 1.36.");
        await using var image = await ClusterPolicy.ChangeAsync(
            Lab.Client,
            Lab.Namespace,
            "apps",
            "deployments",
            $$"""[JSONPatch{op: "replace", path: "/spec/template/spec/containers/0/image", value: "{{RegionLab.NewImage}}"}]""",
            async () => (await ProbeAsync()).Spec.Template.Spec.Containers[0].Image == RegionLab.NewImage
        );
        await using var cap = await ClusterPolicy.ChangeAsync(
            Lab.Client,
            Lab.Namespace,
            "autoscaling",
            "horizontalpodautoscalers",
            """[JSONPatch{op: "replace", path: "/spec/maxReplicas", value: 5}]""",
            async () => (await ProbeScalingAsync()).Spec.MaxReplicas == 5
        );
        await Lab.Client.CreateAsync(Lab.Region());

        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        await Lab.UntilAsync(ConditionTypes.Reconciling, "False");
        Assert.Equal(RegionLab.NewImage, (await Lab.ReadDeploymentAsync()).Spec.Template.Spec.Containers[0].Image);
        var settled = TimeProvider.System.GetUtcNow();
        // The status of an autoscaler has no generation: it looks like any other change.
        for (var change = 0; change < 3; change++)
        {
            await Lab.Client.AutoscalingV2.PatchNamespacedHorizontalPodAutoscalerAsync(
                new V1Patch($$"""{ "metadata": { "annotations": { "seen": "{{change}}" } } }""", V1Patch.PatchType.MergePatch),
                "eu-app",
                Lab.Namespace,
                cancellationToken: Token
            );
            await Lab.PatchAsync($$"""{ "failover": { "priority": {{change + 1}} } }""");
            await Lab.UntilAsync(ConditionTypes.Ready, "True");
        }

        Assert.DoesNotContain(await Lab.ReadWritesAsync(settled), entry => entry.Subresource != "status");
        // Events are written after what they tell of.
        var events = await Eventually.ReadAsync(ReadEventsAsync, all => all.Count(entry => entry.Reason == "Contested") >= 2, "both changes are told");
        Assert.DoesNotContain(events, entry => entry.Reason == "Reverted");
        var contested = events.Where(entry => entry.Reason == "Contested").Select(entry => entry.Note).Order(StringComparer.Ordinal).ToList();
        Assert.Collection(
            contested,
            note => Assert.Contains("spec.maxReplicas in HorizontalPodAutoscaler eu-app", note, StringComparison.Ordinal),
            note => Assert.Contains("spec.template.spec.containers[runtime].image in Deployment eu-app", note, StringComparison.Ordinal)
        );

        // What somebody else changes is reverted all the same.
        await EditPodsAsync(pods => pods["terminationGracePeriodSeconds"] = 1);
        await Lab.UntilAsync(ConditionTypes.Reconciling, "False");
    }

    private Task<V1Deployment> ProbeAsync()
    {
        var labels = new Dictionary<string, string> { ["probe"] = "1" };
        var spec = new V1DeploymentSpec
        {
            Selector = new V1LabelSelector { MatchLabels = labels },
            Template = new V1PodTemplateSpec
            {
                Metadata = new V1ObjectMeta { Labels = labels },
                Spec = new V1PodSpec { Containers = [new V1Container { Name = "probe", Image = "probe" }] },
            },
        };
        return Lab.Client.AppsV1.CreateNamespacedDeploymentAsync(
            new V1Deployment
            {
                Metadata = new V1ObjectMeta { Name = "probe" },
                Spec = spec,
            },
            Lab.Namespace,
            dryRun: "All",
            cancellationToken: Token
        );
    }

    private Task<V2HorizontalPodAutoscaler> ProbeScalingAsync() =>
        Lab.Client.AutoscalingV2.CreateNamespacedHorizontalPodAutoscalerAsync(
            new V2HorizontalPodAutoscaler
            {
                Metadata = new V1ObjectMeta { Name = "probe" },
                Spec = new V2HorizontalPodAutoscalerSpec
                {
                    MaxReplicas = 9,
                    ScaleTargetRef = new V2CrossVersionObjectReference
                    {
                        ApiVersion = "apps/v1",
                        Kind = "Deployment",
                        Name = "probe",
                    },
                },
            },
            Lab.Namespace,
            dryRun: "All",
            cancellationToken: Token
        );

    private static string Fields(object item)
    {
        var json = JsonNode.Parse(KubernetesJson.Serialize(item))!.AsObject();
        var pods = json["spec"]?["template"]?["metadata"]?["annotations"]?.AsObject();
        pods?.Remove("kubectl.kubernetes.io/restartedAt");
        return json["spec"]!.ToJsonString();
    }

    private async Task<string[]> ReadAllAsync() =>
        [
            Fields(await Lab.ReadDeploymentAsync()),
            Fields(await Lab.Client.CoreV1.ReadNamespacedServiceAsync("eu-app", Lab.Namespace, cancellationToken: Token)),
            Fields(await Lab.Client.PolicyV1.ReadNamespacedPodDisruptionBudgetAsync("eu-app", Lab.Namespace, cancellationToken: Token)),
            .. (await Lab.Client.NetworkingV1.ListNamespacedNetworkPolicyAsync(Lab.Namespace, cancellationToken: Token)).Items.Select(Fields),
            Fields(await Lab.Client.AutoscalingV2.ReadNamespacedHorizontalPodAutoscalerAsync("eu-app", Lab.Namespace, cancellationToken: Token)),
        ];

    private async Task<IList<Eventsv1Event>> ReadEventsAsync() =>
        (await Lab.Client.EventsV1.ListNamespacedEventAsync(Lab.Namespace, cancellationToken: Token)).Items;

    // Patches the specification, and waits until all objects are again as they were.
    private async Task PatchAsync<T>(string spec, string? below = null)
    {
        var before = await ReadAllAsync();
        var patch = new V1Patch(below is null ? $$"""{ "spec": {{spec}} }""" : $$"""{ "spec": { "{{below}}": {{spec}} } }""", V1Patch.PatchType.MergePatch);
        var (client, space) = (Lab.Client, Lab.Namespace);
        await (
            typeof(T).Name switch
            {
                nameof(V1Service) => (Task)client.CoreV1.PatchNamespacedServiceAsync(patch, "eu-app", space, cancellationToken: Token),
                nameof(V1PodDisruptionBudget) => client.PolicyV1.PatchNamespacedPodDisruptionBudgetAsync(patch, "eu-app", space, cancellationToken: Token),
                nameof(V1NetworkPolicy) => client.NetworkingV1.PatchNamespacedNetworkPolicyAsync(patch, "eu-app", space, cancellationToken: Token),
                nameof(V1Deployment) => client.AppsV1.PatchNamespacedDeploymentAsync(patch, "eu-app", space, cancellationToken: Token),
                _ => client.AutoscalingV2.PatchNamespacedHorizontalPodAutoscalerAsync(patch, "eu-app", space, cancellationToken: Token),
            }
        );
        await UntilRepairedAsync(before, spec);
    }

    // Replaces the pods' specification as an editor does, without merging.
    private async Task EditPodsAsync(Action<JsonNode> edit)
    {
        var before = await ReadAllAsync();
        var pods = JsonNode.Parse(KubernetesJson.Serialize((await Lab.ReadDeploymentAsync()).Spec.Template.Spec))!;
        edit(pods);
        var patch = new JsonArray
        {
            new JsonObject
            {
                ["op"] = "replace",
                ["path"] = "/spec/template/spec",
                ["value"] = pods,
            },
        };
        await Lab.Client.AppsV1.PatchNamespacedDeploymentAsync(
            new V1Patch(patch.ToJsonString(), V1Patch.PatchType.JsonPatch),
            "eu-app",
            Lab.Namespace,
            cancellationToken: Token
        );
        await UntilRepairedAsync(before, "an edit of the pods");
    }

    private async Task UntilRepairedAsync(string[] before, string what)
    {
        string[] now = [];
        await Eventually.HoldsAsync(
            async () => (now = await ReadAllAsync()).SequenceEqual(before),
            () => $"{what} is reverted; there is {string.Join('\n', now.Except(before))}"
        );
    }
}
