using k8s;
using k8s.Models;
using Npgsql;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>A region that does not run says why, in the words of its pods, and is not ready for a specification that does not run.</summary>
public sealed class CauseTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    private const string Password = "Passw0rd.of.the.test";

    private readonly StoresFixture _stores = stores;

    [Fact]
    public async Task Database_Missing_IsToldAtTheFirstFailedPodAndTheJobStays()
    {
        await StartAsync();
        var connection = await ConnectionAsync();
        var missing = $"shortener_{Guid.NewGuid():N}";
        await Lab.CreateSecretAsync("missing", WithDatabase(connection, missing) + $";Password={Password}");
        await Lab.Client.CreateAsync(Lab.Region(patch: """{ "connections": { "postgresSecretRef": { "name": "missing" } } }"""));

        var stalled = await Lab.UntilAsync(ConditionTypes.Stalled, "True", reason: Reasons.MigrationFailed);

        Assert.Contains($"3D000: database \"{missing}\" does not exist", stalled.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Password, stalled.Message, StringComparison.Ordinal);
        Assert.Equal(Reasons.MigrationFailed, (await Lab.UntilAsync(ConditionTypes.Ready, "False")).Reason);
        var job = Assert.Single((await Lab.Client.BatchV1.ListNamespacedJobAsync(Lab.Namespace, cancellationToken: Token)).Items);
        // It goes on trying: the cause is told before it has given up.
        Assert.DoesNotContain(job.Status.Conditions ?? [], condition => condition is { Type: "Failed", Status: "True" });
        await UntilEventAsync(Reasons.MigrationFailed, $"3D000: database \"{missing}\" does not exist");

        await (await _stores.GetPostgresAsync()).CreateDatabaseAsync(missing, Token);
        await Lab.UntilAsync(ConditionTypes.Stalled, "False");
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        Assert.Equal(
            job.Metadata.Uid,
            Assert.Single((await Lab.Client.BatchV1.ListNamespacedJobAsync(Lab.Namespace, cancellationToken: Token)).Items).Metadata.Uid
        );
    }

    [Fact]
    public async Task Ready_IsAboutTheSpecificationAsItIsNow()
    {
        await StartAsync();
        await Lab.Client.CreateAsync(Lab.Region());
        await Lab.UntilAsync(ConditionTypes.Ready, "True");

        // A setting that pods refuse: they start, and end.
        await Lab.PatchAsync(Settings("-5"));
        await AssertNotReadyUntilStalledAsync(Reasons.CrashLoopBackOff, "Keys:PoolSize");
        await UntilEventAsync(Reasons.CrashLoopBackOff, "exit code 78");
        await Lab.UntilAsync(ConditionTypes.AppAvailable, "True");
        await Lab.PatchAsync(Settings("100"));
        await Lab.UntilAsync(ConditionTypes.Stalled, "False");
        await Lab.UntilAsync(ConditionTypes.Ready, "True");

        // A label is no image and no setting, and replaces pods all the same.
        await Lab.PatchAsync("""{ "app": { "podLabels": { "team": "links" } } }""");
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        var deployment = await Lab.ReadDeploymentAsync();
        Assert.Equal("links", deployment.Spec.Template.Metadata.Labels["team"]);
        Assert.Equal((2, 2), (deployment.Status.UpdatedReplicas, deployment.Status.Replicas));

        // A user that does not exist, on a region that serves.
        var secret = await Lab.Client.CoreV1.ReadNamespacedSecretAsync("postgres", Lab.Namespace, cancellationToken: Token);
        var connection = System.Text.Encoding.UTF8.GetString(secret.Data["connectionString"]);
        secret.Data["connectionString"] = System.Text.Encoding.UTF8.GetBytes(WithUser(connection, "nobody"));
        await Lab.Client.CoreV1.ReplaceNamespacedSecretAsync(secret, "postgres", Lab.Namespace, cancellationToken: Token);
        Assert.Contains("nobody", (await Lab.UntilAsync(ConditionTypes.Stalled, "True", reason: Reasons.MigrationFailed)).Message, StringComparison.Ordinal);
        Assert.Equal("False", Of(ConditionTypes.Ready, await Lab.ReadAsync()).Status);
    }

    // What `kubectl wait --for=condition=Ready` looks at, all the time.
    private async Task AssertNotReadyUntilStalledAsync(string reason, string words)
    {
        V1Condition? stalled = null;
        await Eventually.HoldsAsync(
            async () =>
            {
                var region = await Lab.ReadAsync();
                var ready = Of(ConditionTypes.Ready, region);
                Assert.False(
                    ready.Status == "True" && ready.ObservedGeneration == region.Metadata.Generation,
                    $"Ready although it does not run: {ready.Message}"
                );
                stalled = Of(ConditionTypes.Stalled, region);
                return stalled.Status == "True" && stalled.Reason == reason;
            },
            () => $"Stalled for {reason}; it is {stalled?.Status}, {stalled?.Reason}: {stalled?.Message}"
        );
        Assert.Contains(words, stalled!.Message, StringComparison.Ordinal);
    }

    private Task UntilEventAsync(string reason, string words) =>
        Eventually.HoldsAsync(
            async () =>
                (await Lab.Client.EventsV1.ListNamespacedEventAsync(Lab.Namespace, cancellationToken: Token)).Items.Any(entry =>
                    entry.Regarding.Kind == "ShortenerRegion" && entry.Reason == reason && entry.Note.Contains(words, StringComparison.Ordinal)
                ),
            $"an event {reason} with {words}"
        );

    private async Task<string> ConnectionAsync() =>
        System.Text.Encoding.UTF8.GetString(
            (await Lab.Client.CoreV1.ReadNamespacedSecretAsync("postgres", Lab.Namespace, cancellationToken: Token)).Data["connectionString"]
        );

    private string Settings(string poolSize) =>
        $$"""
            { "app": { "settings": [{ "name": "Redis:KeyPrefix", "value": "{{Lab.Namespace}}" }, { "name": "Postgres:MaxConnections", "value": "8" },
              { "name": "Keys:PoolSize", "value": "{{poolSize}}" }, { "name": "Keys:LowWatermark", "value": "20" }] } }
            """;

    private static V1Condition Of(string type, V1Alpha1ShortenerRegion region) => region.Status!.Conditions!.First(condition => condition.Type == type);

    private static string WithDatabase(string connection, string database) =>
        new NpgsqlConnectionStringBuilder(connection) { Database = database }.ConnectionString;

    private static string WithUser(string connection, string user) => new NpgsqlConnectionStringBuilder(connection) { Username = user }.ConnectionString;
}
