using k8s;
using k8s.Models;
using Npgsql;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Postgres;
using UrlShortener.Operator.Tests.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>The databases of several regions, each run by the operator.</summary>
internal sealed class RegionDatabases(RegionLab lab) : IDisposable
{
    private readonly Dictionary<string, MemberConnections> _connections = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The members of a region.</summary>
    public async Task<IReadOnlyList<V1Pod>> ReadPodsAsync(string region) =>
        [
            .. (
                await lab.Client.CoreV1.ListNamespacedPodAsync(
                    lab.Namespace,
                    labelSelector: $"{PostgresNames.ScopeLabel}={region}-postgres",
                    cancellationToken: Token
                )
            ).Items.OrderBy(pod => pod.Metadata.Name, StringComparer.Ordinal),
        ];

    /// <summary>Runs a statement on the primary of a region, which may move meanwhile.</summary>
    public async Task WriteAsync(string region, string statement, string database = "postgres")
    {
        var primary = (await lab.ReadAsync(region)).Status!.Postgres!.Primary;
        var pod = (await ReadPodsAsync(region)).Single(pod => pod.Metadata.Name == primary);
        await using var source = await OpenAsync(region, pod, database);
        await using var command = source.CreateCommand(statement);
        await command.ExecuteNonQueryAsync(Token);
    }

    /// <summary>Asks the primary of a region; null: there is none, or no answer.</summary>
    public async Task<object?> AskPrimaryAsync(string region, string query)
    {
        var primary = (await lab.ReadAsync(region)).Status!.Postgres!.Primary;
        return (await ReadPodsAsync(region)).FirstOrDefault(pod => pod.Metadata.Name == primary) is { } pod ? await AskAsync(region, pod, query) : null;
    }

    /// <summary>Asks a member; null: there is no answer.</summary>
    public async Task<object?> AskAsync(string region, V1Pod pod, string query)
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

    /// <summary>Connects as the operator does.</summary>
    public async Task<NpgsqlDataSource> OpenAsync(string region, V1Pod pod, string database = "postgres")
    {
        var secret = await lab.Client.CoreV1.ReadNamespacedSecretAsync($"{region}-postgres-tls", lab.Namespace, cancellationToken: Token);
        var connections = _connections.GetValueOrDefault(region);
        var set = CertificateData.Parse(secret)!;
        if (connections is null || connections.Set.Serving.CertificatePem != set.Serving.CertificatePem)
            _connections[region] = connections = new MemberConnections(set, $"{region}-postgres.{lab.Namespace}.svc");
        var builder = new NpgsqlDataSourceBuilder(
            new NpgsqlConnectionStringBuilder
            {
                Host = pod.Status.PodIP,
                Port = PostgresNames.Port,
                Username = PostgresNames.Superuser,
                Database = database,
                SslMode = SslMode.Require,
                Pooling = false,
                Timeout = 60,
                CommandTimeout = 120,
            }.ConnectionString
        );
        builder.UseSslClientAuthenticationOptionsCallback(options => connections.Configure(options));
        return builder.Build();
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var connections in _connections.Values)
            connections.Dispose();
    }
}
