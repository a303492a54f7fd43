using Npgsql;
using UrlShortener.TestServers.Containers;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Postgres;

/// <summary>
/// Real PostgreSQL servers for tests: a primary and up to two replicas that stream from it. Where PostgreSQL is not installed, it is installed (as root on
/// Debian), or a primary without replicas runs in a container; else there is a <see cref="ServerUnavailableException"/>. Local servers end with this
/// process, whichever way that ends.
/// <example>
/// <code>
/// await using var cluster = await PostgresCluster.StartAsync(new() { Replicas = 2, Synchronous = true }, token);
/// var connectionString = await cluster.CreateDatabaseAsync(null, token);
/// var old = await cluster.GetPrimaryAsync(token);
/// await old.KillAsync(token);
/// var next = await cluster.FailOverAsync(token);
/// await old.RejoinAsync(next, token);
/// </code>
/// </example>
/// </summary>
public sealed class PostgresCluster : IAsyncDisposable
{
    private const int MaxReplicas = 2;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly ServerFolder? _folder;
    private readonly IAsyncDisposable? _container;

    private PostgresCluster(IReadOnlyList<PostgresNode> nodes, ServerFolder? folder, IAsyncDisposable? container)
    {
        Nodes = nodes;
        _folder = folder;
        _container = container;
    }

    /// <summary>All nodes, the first primary first. Their number and order never change, their roles may.</summary>
    public IReadOnlyList<PostgresNode> Nodes { get; }

    /// <summary>Starts a cluster, and returns when all replicas stream.</summary>
    /// <exception cref="ServerUnavailableException">The cluster cannot be had here.</exception>
    public static async Task<PostgresCluster> StartAsync(PostgresClusterOptions options, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(options.Replicas, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Replicas, MaxReplicas, nameof(options));
        if (options is { Synchronous: true, Replicas: 0 })
            throw new ArgumentException("A synchronous cluster needs a replica: without one no commit is ever acknowledged.", nameof(options));
        var (programs, reason) = await PostgresPrograms.FindAsync(cancellationToken);
        return programs is null
            ? await StartInContainerAsync(options, reason, cancellationToken)
            : await StartLocallyAsync(options, programs, cancellationToken);
    }

    /// <summary>The node that takes writes; of two after a promotion, the one that was promoted last. Waits up to five minutes for one.</summary>
    public async Task<PostgresNode> GetPrimaryAsync(CancellationToken cancellationToken)
    {
        PostgresNode? primary = null;
        await Poll.UntilAsync(
            "a node takes writes",
            Limit,
            async token => (primary = NewestPrimary(await ReadStatesAsync(token))?.Node) is null ? "none" : null,
            cancellationToken
        );
        return primary!;
    }

    /// <summary>The nodes that serve as replicas now.</summary>
    public async Task<IReadOnlyList<PostgresNode>> GetReplicasAsync(CancellationToken cancellationToken) =>
        [.. (await ReadStatesAsync(cancellationToken)).Where(state => !state.IsPrimary).Select(state => state.Node)];

    /// <summary>The replica that has most of what the primary wrote: the one to promote.</summary>
    public async Task<PostgresNode> GetMostAdvancedReplicaAsync(CancellationToken cancellationToken) =>
        (await ReadStatesAsync(cancellationToken)).Where(state => !state.IsPrimary).MaxBy(state => state.Position)?.Node
        ?? throw new InvalidOperationException("No replica serves.");

    /// <summary>
    /// What an operator does when the primary is gone: promotes the most advanced replica and lets the others that serve follow it. The old primary must be
    /// killed, stopped, frozen or cut off before.
    /// </summary>
    /// <returns>The new primary.</returns>
    public async Task<PostgresNode> FailOverAsync(CancellationToken cancellationToken)
    {
        var replicas = await GetReplicasAsync(cancellationToken);
        var next = await GetMostAdvancedReplicaAsync(cancellationToken);
        await next.PromoteAsync(cancellationToken);
        await Task.WhenAll(replicas.Where(node => node != next).Select(node => node.FollowAsync(next, cancellationToken)));
        return next;
    }

    /// <summary>Makes a database, with a name of its own when none is given, and returns its connection string when all serving replicas have it too.</summary>
    public Task<string> CreateDatabaseAsync(string? name, CancellationToken cancellationToken) => CreateDatabaseAsync(name, "template1", cancellationToken);

    /// <summary>The same, with all that another database holds, to which nobody may be connected.</summary>
    public async Task<string> CreateDatabaseAsync(string? name, string template, CancellationToken cancellationToken)
    {
        name ??= $"test_{Guid.NewGuid():N}";
        var primary = await GetPrimaryAsync(cancellationToken);
        await primary.ExecuteAsync($"CREATE DATABASE {Quoted(name)} TEMPLATE {Quoted(template)}", cancellationToken);
        await WaitUntilReplicasCaughtUpAsync(cancellationToken);
        return ConnectionString(name);
    }

    /// <summary>Removes a database, and the connections to it.</summary>
    public async Task DropDatabaseAsync(string name, CancellationToken cancellationToken)
    {
        var primary = await GetPrimaryAsync(cancellationToken);
        await primary.ExecuteAsync($"DROP DATABASE IF EXISTS {Quoted(name)} WITH (FORCE)", cancellationToken);
    }

    /// <summary>The connection string of a database, with all nodes, through their gates where there are some. It holds no password: none is needed.</summary>
    public string ConnectionString(string database) =>
        new NpgsqlConnectionStringBuilder
        {
            Host = string.Join(',', Nodes.Select(node => $"{node.Host}:{node.Gate?.Port ?? node.Port}")),
            Username = "postgres",
            Database = database,
        }.ConnectionString;

    /// <summary>Waits until all that the primary has written until now can be read on every serving replica.</summary>
    public async Task WaitUntilReplicasCaughtUpAsync(CancellationToken cancellationToken)
    {
        var states = await ReadStatesAsync(cancellationToken);
        var position = NewestPrimary(states)?.Position ?? throw new InvalidOperationException("No primary serves.");
        await Task.WhenAll(states.Where(state => !state.IsPrimary).Select(state => state.Node.WaitUntilReplayedAsync(position, cancellationToken)));
    }

    /// <summary>Ends all nodes and removes their data.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(Nodes.Select(node => node.DisposeAsync().AsTask()));
        if (_container is not null)
            await _container.DisposeAsync();
        _folder?.Delete();
    }

    /// <summary>The name of the node with an index.</summary>
    internal static string NameOf(int index) => $"node{index}";

    private static PostgresState? NewestPrimary(IEnumerable<PostgresState> states) => states.Where(state => state.IsPrimary).MaxBy(state => state.Timeline);

    private static string Quoted(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static async Task<PostgresCluster> StartLocallyAsync(PostgresClusterOptions options, PostgresPrograms programs, CancellationToken cancellationToken)
    {
        var folder = ServerFolder.Create(options.Durable);
        var nodes = Enumerable.Range(0, options.Replicas + 1).Select(i => new PostgresNode(NameOf(i), options, programs, folder)).ToArray();
        var cluster = new PostgresCluster(nodes, folder, null);
        try
        {
            await nodes[0].InitializeAsync(cancellationToken);
            await nodes[0].StartAsync(cancellationToken);
            await Task.WhenAll(nodes.Skip(1).Select(node => node.RejoinAsync(nodes[0], cancellationToken)));
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    private static async Task<PostgresCluster> StartInContainerAsync(PostgresClusterOptions options, string reason, CancellationToken cancellationToken)
    {
        if (options.Replicas > 0)
        {
            throw new ServerUnavailableException(
                $"A PostgreSQL with replicas needs the programs of PostgreSQL: {reason}. Install them (Debian: apt-get install postgresql)."
            );
        }

        string[] command =
        [
            "postgres",
            "-c",
            "fsync=off",
            "-c",
            "full_page_writes=off",
            "-c",
            $"max_connections={options.MaxConnections}",
            .. options.Settings.SelectMany(setting => new[] { "-c", $"{setting.Key}={setting.Value}" }),
        ];
        var port = Ports.Take();
        var container = await ServerContainer.StartAsync(
            new ContainerRequest("PostgreSQL", "postgres:15-alpine", [(port, 5432)], command) { Environment = { ["POSTGRES_HOST_AUTH_METHOD"] = "trust" } },
            $"{reason} (Debian: apt-get install postgresql)",
            cancellationToken
        );
        var cluster = new PostgresCluster([new PostgresNode(NameOf(0), options, port)], null, container);
        try
        {
            await cluster.GetPrimaryAsync(cancellationToken);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    private async Task<IReadOnlyList<PostgresState>> ReadStatesAsync(CancellationToken cancellationToken) =>
        [.. (await Task.WhenAll(Nodes.Select(node => node.TryReadStateAsync(cancellationToken)))).OfType<PostgresState>()];
}
