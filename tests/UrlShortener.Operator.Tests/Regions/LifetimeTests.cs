using System.Diagnostics;
using System.Globalization;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Tests.Installation;
using UrlShortener.TestServers.Kubernetes.Kubelet;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>What befalls a region in the long run: nothing at all, the death of an operator or of a node, its own end.</summary>
public sealed class LifetimeTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    [Fact]
    public async Task Region_InSteadyStateForAMinute_NothingIsWritten()
    {
        await StartAsync(options => options.Resync = TimeSpan.FromSeconds(10));
        await Lab.Client.CreateAsync(Lab.Region());
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        await Lab.UntilAsync(ConditionTypes.Reconciling, "False");
        var before = await Lab.ReadAsync();
        var began = TimeProvider.System.GetUtcNow();

        // Six times over everything is looked at again, besides the looks at the region's health.
        await Task.Delay(TimeSpan.FromSeconds(60), Token);

        Assert.Equal([], (await Lab.ReadWritesAsync(began)).Select(entry => entry.RequestUri));
        Assert.Equal(before.Metadata.ResourceVersion, (await Lab.ReadAsync()).Metadata.ResourceVersion);
    }

    [Fact]
    public async Task Operator_KilledInARoll_TheOtherOneFinishesIt()
    {
        await StartAsync(hasOperator: false);
        await using var first = await StartProgramAsync();
        await Lab.Client.CreateAsync(Lab.Region());
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        await Lab.UntilAsync(ConditionTypes.Reconciling, "False");
        await using var second = await StartProgramAsync();
        await Eventually.HoldsAsync(() => second.ReadLog().Contains("is held by", StringComparison.Ordinal), "the second one waits for the lease");
        var (before, leader) = (await Lab.ReadDeploymentAsync(), (await ReadLeaseAsync()).HolderIdentity);

        await Lab.PatchAsync($$"""{ "app": { "image": "{{RegionLab.NewImage}}" } }""");
        await Eventually.HoldsAsync(
            async () => (await Lab.Client.BatchV1.ListNamespacedJobAsync(Lab.Namespace, cancellationToken: Token)).Items.Any(job => ImageOf(job.Spec.Template) == RegionLab.NewImage),
            () => "the migration of the new image is there",
            TimeSpan.FromSeconds(30));
        await first.KillAsync(Token);
        var killed = TimeProvider.System.GetUtcNow();

        await Eventually.HoldsAsync(async () => (await ReadLeaseAsync()).HolderIdentity != leader, () => "the second one leads", TimeSpan.FromSeconds(60));
        var successionTook = (await ReadLeaseAsync()).AcquireTime!.Value - killed.UtcDateTime;
        await Eventually.HoldsAsync(
            async () => await Lab.ReadDeploymentAsync() is { } deployment
                && ImageOf(deployment.Spec.Template) == RegionLab.NewImage && deployment.Status is { UpdatedReplicas: 2, Replicas: 2, ReadyReplicas: 2 },
            () => "the new image runs in both pods",
            TimeSpan.FromSeconds(120));
        await Lab.UntilAsync(ConditionTypes.Reconciling, "False");

        // One change of the Deployment and one migration, whoever made them.
        Assert.Equal(before.Metadata.Generation + 1, (await Lab.ReadDeploymentAsync()).Metadata.Generation);
        Assert.Single((await Lab.Client.BatchV1.ListNamespacedJobAsync(Lab.Namespace, cancellationToken: Token)).Items);
        // The lease lasts 15 s, a renewal is seen up to a second late, and a busy machine adds to the two requests that follow.
        Assert.InRange(successionTook.TotalSeconds, 0, 20);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Namespace_DeletedWithARegionInIt_GoesWithinAMinute(bool isOperatorUp)
    {
        await StartAsync();
        await Lab.Client.CreateAsync(Lab.Region());
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        if (!isOperatorUp)
            await Lab.Operator.StopAsync();

        var started = Stopwatch.GetTimestamp();
        var began = TimeProvider.System.GetUtcNow();
        await Lab.Client.CoreV1.DeleteNamespaceAsync(Lab.Namespace, cancellationToken: Token);
        await Eventually.HoldsAsync(
            async () => !(await Lab.Client.CoreV1.ListNamespaceAsync(cancellationToken: Token)).Items.Any(space => space.Metadata.Name == Lab.Namespace),
            () => "the namespace is gone",
            TimeSpan.FromSeconds(60));

        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(60));
        // One try for each event of something going, and one each 10 s: nothing is tried in a loop.
        Assert.InRange((await Lab.ReadWritesAsync(began)).Count(entry => entry.Code == 403), 0, 20);
    }

    [Fact]
    public async Task Node_Dead_RegionIsNotReadyUntilOtherPodsServeAndNothingIsForced()
    {
        await StartAsync();
        await Lab.Client.CreateAsync(Lab.Region());
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        var began = TimeProvider.System.GetUtcNow();

        await Lab.Kubelet.NodeNotReadyAsync(Token);
        await Lab.UntilAsync(ConditionTypes.AppAvailable, "False");
        await Lab.UntilAsync(ConditionTypes.Ready, "False");

        // They are told to end and nobody can tell whether they did.
        foreach (var pod in await PodsAsync())
            await Lab.Client.CoreV1.DeleteNamespacedPodAsync(pod.Metadata.Name, Lab.Namespace, cancellationToken: Token);
        await using var other = await ProcessKubelet.StartAsync(Lab.Cluster, RegionLab.KubeletOptions(Lab.Namespace), Token);
        await Lab.UntilAsync(ConditionTypes.Ready, "True");

        var pods = await PodsAsync();
        Assert.Equal(2, pods.Count(pod => pod.Metadata.DeletionTimestamp is not null && pod.Spec.NodeName == Lab.Kubelet.NodeName));
        Assert.Equal(2, pods.Count(pod => pod.Metadata.DeletionTimestamp is null && pod.Spec.NodeName == other.NodeName));
        Assert.DoesNotContain(await Lab.ReadWritesAsync(began), entry => entry.Resource == "pods");
        await Lab.Kubelet.NodeReadyAsync(Token);
    }

    private async Task<IReadOnlyList<V1Pod>> PodsAsync() =>
        [.. (await Lab.Client.CoreV1.ListNamespacedPodAsync(Lab.Namespace, labelSelector: "app.kubernetes.io/component=app", cancellationToken: Token)).Items];

    private async Task<V1LeaseSpec> ReadLeaseAsync() =>
        (await Lab.Client.CoordinationV1.ReadNamespacedLeaseAsync("urlshortener-operator", Lab.Namespace, cancellationToken: Token)).Spec;

    private Task<OperatorProgram> StartProgramAsync() => OperatorProgram.StartAsync(
        new Dictionary<string, string>
        {
            ["KUBECONFIG"] = Lab.Cluster.Kubeconfig,
            ["Operator:Namespaces"] = Lab.Namespace,
            ["Operator:Port"] = Ports.Take().ToString(CultureInfo.InvariantCulture),
            ["Logging:LogLevel:UrlShortener"] = "Debug",
            ["Operator:LeaderElection:Namespace"] = Lab.Namespace,
            ["Operator:Webhooks:Enabled"] = "false",
        },
        Token);

    private static string ImageOf(V1PodTemplateSpec template) => template.Spec.Containers[0].Image;
}
