using k8s;
using k8s.Models;
using Npgsql;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Postgres;
using UrlShortener.Operator.Tests.Regions;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>Two regions of a group, each with a PostgreSQL that the operator runs.</summary>
public abstract class RegionPairTest(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    private readonly Dictionary<string, MemberConnections> _connections = [];

    /// <summary>The specification of a small region.</summary>
    private protected static string Patch(int priority) =>
        $$"""
            {
              "connections": null,
              "failover": { "priority": {{priority}} },
              "app": { "minReplicas": 1, "standbyMinReplicas": 1 },
              "postgres": {
                "image": "{{StorePrograms.PostgresImage}}",
                "instances": 2,
                "durability": "Async",
                "storage": { "size": "1Gi", "onDelete": "Delete" },
                "resources": { "requests": { "memory": "64Mi" }, "limits": { "memory": "1Gi" } }
              }
            }
            """;

    private protected async Task UntilFollowsAsync(string region, string source)
    {
        await Lab.UntilAsync("StandbyReplicating", "True", region, Reasons.AsExpected);
        await Lab.UntilAsync("PostgresReady", "True", region, Reasons.StandbyRegion);
        await Lab.UntilAsync("PostgresDegraded", "False", region);
        await Eventually.HoldsAsync(
            async () => (await Lab.ReadAsync(source)).Status?.Postgres?.Standbys is [{ State: StandbyState.Streaming } only] && only.Region == region,
            () => $"region {source} tells that {region} receives its changes"
        );
    }

    private protected async Task<IReadOnlyList<V1Pod>> ReadPodsAsync(string region) =>
        [
            .. (
                await Lab.Client.CoreV1.ListNamespacedPodAsync(
                    Lab.Namespace,
                    labelSelector: $"{PostgresNames.ScopeLabel}={region}-postgres",
                    cancellationToken: Token
                )
            ).Items.OrderBy(pod => pod.Metadata.Name, StringComparer.Ordinal),
        ];

    // On the primary of a region, which may move meanwhile.
    private protected async Task WriteAsync(string region, string statement, string database = "postgres")
    {
        var primary = (await Lab.ReadAsync(region)).Status!.Postgres!.Primary;
        var pod = (await ReadPodsAsync(region)).Single(pod => pod.Metadata.Name == primary);
        await using var source = await OpenAsync(region, pod, database);
        await using var command = source.CreateCommand(statement);
        await command.ExecuteNonQueryAsync(Token);
    }

    private protected async Task<object?> AskPrimaryAsync(string region, string query)
    {
        var primary = (await Lab.ReadAsync(region)).Status!.Postgres!.Primary;
        return (await ReadPodsAsync(region)).FirstOrDefault(pod => pod.Metadata.Name == primary) is { } pod ? await AskAsync(region, pod, query) : null;
    }

    // Null: there is no answer.
    private protected async Task<object?> AskAsync(string region, V1Pod pod, string query)
    {
        try
        {
            await using var source = await OpenAsync(region, pod);
            await using var command = source.CreateCommand(query);
            return await command.ExecuteScalarAsync(Token) is { } value and not DBNull ? value : null;
        }
        catch (NpgsqlException)
        {
            return null;
        }
    }

    // As the operator connects.
    private protected async Task<NpgsqlDataSource> OpenAsync(string region, V1Pod pod, string database = "postgres")
    {
        var secret = await Lab.Client.CoreV1.ReadNamespacedSecretAsync($"{region}-postgres-tls", Lab.Namespace, cancellationToken: Token);
        var connections = _connections.GetValueOrDefault(region);
        var set = CertificateData.Parse(secret)!;
        if (connections is null || connections.Set.Serving.CertificatePem != set.Serving.CertificatePem)
            _connections[region] = connections = new MemberConnections(set, $"{region}-postgres.{Lab.Namespace}.svc");
        var builder = new NpgsqlDataSourceBuilder(
            new NpgsqlConnectionStringBuilder
            {
                Host = pod.Status.PodIP,
                Port = PostgresNames.Port,
                Username = PostgresNames.Superuser,
                Database = database,
                SslMode = SslMode.Require,
                Pooling = false,
            }.ConnectionString
        );
        builder.UseSslClientAuthenticationOptionsCallback(options => connections.Configure(options));
        return builder.Build();
    }
}
