using System.Globalization;
using UrlShortener.TestServers.Containers;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Redis;

/// <summary>Nodes that were started together, as local processes or in one container, and what must go when they end.</summary>
internal sealed class RedisPlace : IAsyncDisposable
{
    private const string Program = "redis-server";
    private static readonly TimeSpan ContainerLimit = TimeSpan.FromSeconds(60);

    private readonly ServerFolder? _folder;
    private IAsyncDisposable? _container;

    private RedisPlace(IReadOnlyList<RedisNode> nodes, ServerFolder? folder)
    {
        Nodes = nodes;
        _folder = folder;
    }

    /// <summary>The nodes, each of which answers.</summary>
    public IReadOnlyList<RedisNode> Nodes { get; }

    /// <summary>Starts nodes, and returns when each answers.</summary>
    /// <exception cref="ServerUnavailableException">Redis cannot be had here.</exception>
    public static async Task<RedisPlace> StartAsync(RedisServerOptions options, int count, CancellationToken cancellationToken)
    {
        var (programs, reason) = await Programs.FindOrInstallAsync([Program], DebianPackages.Stores, cancellationToken);
        var folder = programs is null ? null : ServerFolder.Create(options.Durable);
        var program = programs is null ? null : Path.Combine(programs, Program);
        var nodes = Enumerable.Range(0, count).Select(_ => new RedisNode(options, Ports.TakeWithBus(), program, folder)).ToArray();
        var place = new RedisPlace(nodes, folder);
        try
        {
            if (program is null)
                await place.StartContainerAsync(reason, cancellationToken);
            else
                await Task.WhenAll(nodes.Select(node => node.StartAsync(cancellationToken)));
            return place;
        }
        catch
        {
            await place.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends all nodes and removes their data.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(Nodes.Select(node => node.DisposeAsync().AsTask()));
        if (_container is not null)
            await _container.DisposeAsync();
        _folder?.Delete();
    }

    /// <summary>All nodes run in one container, each on the same port inside and outside: so they and their clients know them by the same address.</summary>
    private async Task StartContainerAsync(string reason, CancellationToken cancellationToken)
    {
        var commands = Nodes.Select(node => $"{Program} {string.Join(' ', node.Arguments(null).Select(argument => $"'{argument}'"))} &");
        var request = new ContainerRequest(
            "Redis",
            "redis:7-alpine",
            [.. Nodes.Select(node => (node.Port, node.Port))],
            ["/bin/sh", "-c", string.Create(CultureInfo.InvariantCulture, $"{string.Join(' ', commands)} wait")]
        );
        _container = await ServerContainer.StartAsync(request, $"{reason} (Debian: apt-get install redis-server)", cancellationToken);
        foreach (var node in Nodes)
            await Poll.UntilAsync($"Redis in a container answers on port {node.Port}", ContainerLimit, node.FindMissingAsync, cancellationToken);
    }
}
