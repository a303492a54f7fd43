using System.Globalization;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Tests.Regions;
using UrlShortener.TestServers.ClickHouse;
using UrlShortener.TestServers.Kafka;
using Xunit;

namespace UrlShortener.Operator.Tests.Loading;

/// <summary>A region with Kafka and ClickHouse: its loaders bring each click into the tables, and the region serves without them.</summary>
public sealed class LoaderTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    private const string Topic = "clicks";
    private const int Visits = 30;

    [Fact]
    public async Task ClickHouse_InTheSpecification_GetsEachClickAndIsNeverNeededToServe()
    {
        await using var kafka = await Availability.OrSkipAsync(KafkaCluster.StartAsync(new KafkaClusterOptions(), Token));
        await using var clickHouse = await Availability.OrSkipAsync(ClickHouseServer.StartAsync(Token));
        var database = await clickHouse.CreateDatabaseAsync("region", Token);
        await kafka.CreateTopicAsync(Topic, 3, Token);
        await kafka.CreateTopicAsync($"{Topic}.dead-letters", 1, Token);
        await StartAsync();
        await Lab.Client.CreateAsync(
            Lab.Region(
                patch: $$"""
                {"kafka": {"bootstrapServers": ["{{kafka.BootstrapServers}}"], "topic": "{{Topic}}"}, "clickHouse": { "connectionSecretRef": { "name": "clickhouse" } } }
                """
            )
        );

        // The Secret is missing, and holds up nothing: pods that run take it when it is there.
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        await Lab.UntilAsync(ConditionTypes.AnalyticsHealthy, "False", reason: Reasons.SecretNotFound);
        var service = await Lab.OpenServiceAsync();
        using var http = RegionLab.NewHttp(service);
        var path = await RegionLab.CreateLinkAsync(http);
        await Eventually.HoldsAsync(async () => (await ReadLoadersAsync()).Status?.AvailableReplicas == 1, () => "a loader runs");
        var (app, loaders) = ((await Lab.ReadDeploymentAsync()).Metadata.Generation, (await ReadLoadersAsync()).Metadata.Generation);
        await Lab.CreateSecretAsync("clickhouse", database.ConnectionString);
        await Lab.UntilAsync(ConditionTypes.AnalyticsHealthy, "True");
        for (var visit = 0; visit < Visits; visit++)
            (await http.GetAsync(new Uri(path, UriKind.Relative), Token)).Dispose();
        await UntilLoadedAsync(database, Visits);
        Assert.Equal((app, loaders), ((await Lab.ReadDeploymentAsync()).Metadata.Generation, (await ReadLoadersAsync()).Metadata.Generation));
        Assert.Equal((1, 1), ((await Lab.ReadAsync()).Status!.Loaders!.DesiredReplicas, (await Lab.ReadAsync()).Status!.Loaders!.ReadyReplicas));

        // While it is away the region is ready and takes clicks.
        await clickHouse.KillAsync(Token);
        await Lab.UntilAsync(ConditionTypes.AnalyticsHealthy, "False", reason: Reasons.Unreachable);
        for (var visit = 0; visit < Visits; visit++)
            (await http.GetAsync(new Uri(path, UriKind.Relative), Token)).Dispose();
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        await clickHouse.RestartAsync(Token);
        await UntilLoadedAsync(database, 2 * Visits);
        await Lab.UntilAsync(ConditionTypes.AnalyticsHealthy, "True");

        // What somebody deletes is made again, and all of it goes with the field.
        await Lab.Client.AppsV1.DeleteNamespacedDeploymentAsync("eu-clicks", Lab.Namespace, cancellationToken: Token);
        await Eventually.HoldsAsync(
            async () =>
                (await Lab.Client.AppsV1.ListNamespacedDeploymentAsync(Lab.Namespace, cancellationToken: Token)).Items.Any(deployment =>
                    deployment.Metadata.Name == "eu-clicks" && deployment.Status?.AvailableReplicas == 1
                ),
            () => "the loaders are back"
        );
        await Lab.PatchAsync("""{"clickHouse": null}""");
        await Eventually.HoldsAsync(
            async () =>
                (await Lab.Client.AppsV1.ListNamespacedDeploymentAsync(Lab.Namespace, cancellationToken: Token)).Items.All(IsNone)
                && (await Lab.Client.PolicyV1.ListNamespacedPodDisruptionBudgetAsync(Lab.Namespace, cancellationToken: Token)).Items.All(IsNone)
                && (await Lab.Client.NetworkingV1.ListNamespacedNetworkPolicyAsync(Lab.Namespace, cancellationToken: Token)).Items.All(IsNone)
                && (await Lab.ReadAsync()).Status is { Loaders: null } status
                && status.Conditions!.All(condition => condition.Type != ConditionTypes.AnalyticsHealthy),
            () => "nothing of the loaders is left"
        );
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
    }

    private static bool IsNone(IMetadata<V1ObjectMeta> found) => Labels.ComponentOf(found.Metadata) != Names.Clicks;

    private Task<V1Deployment> ReadLoadersAsync() => Lab.Client.AppsV1.ReadNamespacedDeploymentAsync("eu-clicks", Lab.Namespace, cancellationToken: Token);

    private static async Task UntilLoadedAsync(ClickHouseDatabase database, int clicks)
    {
        var found = "none";
        await Eventually.HoldsAsync(
            async () =>
            {
                found = (await database.ReadAsync("SELECT count() FROM clicks", Token))[0][0];
                return found == clicks.ToString(CultureInfo.InvariantCulture);
            },
            () => $"{clicks} clicks are loaded; there are {found}"
        );
    }
}
