using System.Globalization;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Tests.Installation;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>Two operators, of which one dies at work.</summary>
public sealed class SuccessionTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    [Fact]
    public async Task Operator_KilledInARoll_TheOtherOneFinishesIt()
    {
        await StartAsync(hasOperator: false);
        await using var first = await StartProgramAsync();
        await Lab.Client.CreateAsync(Lab.Region());
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        await Lab.UntilAsync(ConditionTypes.Reconciling, "False");
        await using var second = await StartProgramAsync();
        await Eventually.HoldsAsync(() => second.ReadLog().Contains("waits; ", StringComparison.Ordinal), "the second one waits for the lease");
        var (before, leader) = (await Lab.ReadDeploymentAsync(), (await ReadLeaseAsync()).HolderIdentity);

        await Lab.PatchAsync($$"""{ "app": { "image": "{{RegionLab.NewImage}}" } }""");
        await Eventually.HoldsAsync(
            async () =>
                (await Lab.Client.BatchV1.ListNamespacedJobAsync(Lab.Namespace, cancellationToken: Token)).Items.Any(job =>
                    ImageOf(job.Spec.Template) == RegionLab.NewImage
                ),
            () => "the migration of the new image is there"
        );
        var killed = TimeProvider.System.GetUtcNow();
        await first.KillAsync(Token);

        await Eventually.HoldsAsync(async () => (await ReadLeaseAsync()).HolderIdentity != leader, () => "the second one leads");
        var successionTook = (await ReadLeaseAsync()).AcquireTime!.Value - killed.UtcDateTime;
        await Eventually.HoldsAsync(
            async () =>
                await Lab.ReadDeploymentAsync() is { } deployment
                && ImageOf(deployment.Spec.Template) == RegionLab.NewImage
                && deployment.Status is { UpdatedReplicas: 2, Replicas: 2, ReadyReplicas: 2 },
            () => "the new image runs in both pods"
        );
        await Lab.UntilAsync(ConditionTypes.Reconciling, "False");

        // One change of the Deployment and one migration, whoever made them.
        Assert.Equal(before.Metadata.Generation + 1, (await Lab.ReadDeploymentAsync()).Metadata.Generation);
        Assert.Single((await Lab.Client.BatchV1.ListNamespacedJobAsync(Lab.Namespace, cancellationToken: Token)).Items);
        // The lease lasts 15 s. A successor that missed its end would wait for a second one.
        Assert.InRange(successionTook.TotalSeconds, 0, 30);
    }

    private async Task<V1LeaseSpec> ReadLeaseAsync() =>
        (await Lab.Client.CoordinationV1.ReadNamespacedLeaseAsync("urlshortener-operator", Lab.Namespace, cancellationToken: Token)).Spec;

    private Task<OperatorProgram> StartProgramAsync() =>
        OperatorProgram.StartAsync(
            new Dictionary<string, string>
            {
                ["KUBECONFIG"] = Lab.Cluster.Kubeconfig,
                ["Operator:Namespaces"] = Lab.Namespace,
                ["Operator:Port"] = Ports.Take().ToString(CultureInfo.InvariantCulture),
                ["Logging:LogLevel:UrlShortener"] = "Debug",
                ["Operator:LeaderElection:Namespace"] = Lab.Namespace,
                ["Operator:Webhooks:Enabled"] = "false",
            },
            Token
        );

    private static string ImageOf(V1PodTemplateSpec template) => template.Spec.Containers[0].Image;
}
