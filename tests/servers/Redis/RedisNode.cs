using System.Globalization;
using System.Net.Sockets;
using UrlShortener.TestServers.Network;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Redis;

/// <summary>One Redis process. Operations return when their effect is there.</summary>
public sealed class RedisNode : IAsyncDisposable
{
    private const string Package = "redis-server";

    private readonly RedisServerOptions _options;

    /// <summary>Null in a container.</summary>
    private readonly string? _program;
    private readonly ServerFolder? _folder;
    private ServerProcess? _process;

    /// <summary>A node that is a local process, to be started; in a container, <paramref name="program"/> and <paramref name="folder"/> are null.</summary>
    internal RedisNode(RedisServerOptions options, int port, string? program, ServerFolder? folder)
    {
        _options = options;
        Port = port;
        _program = program;
        _folder = folder;
        Gate = options.Gated ? new TcpGate(port) : null;
    }

    /// <summary>Always 127.0.0.1.</summary>
    public string Host { get; } = "127.0.0.1";

    /// <summary>The server's own port; the same in all its lives.</summary>
    public int Port { get; }

    /// <summary>The gate before it, where there is one.</summary>
    public TcpGate? Gate { get; }

    /// <summary>The port that clients are told: the gate's where there is one.</summary>
    public int ClientPort => Gate?.Port ?? Port;

    /// <summary>Where clients connect to, as StackExchange.Redis has it.</summary>
    public string EndPoint => string.Create(CultureInfo.InvariantCulture, $"{Host}:{ClientPort}");

    /// <summary>Whether the node runs and is not frozen.</summary>
    public bool IsServing => _program is null || _process is { IsRunning: true, IsFrozen: false };

    /// <summary>The number of its process; null while it does not run and in a container.</summary>
    public int? ProcessId => _process is { IsRunning: true } process ? process.Id : null;

    private string Name => string.Create(CultureInfo.InvariantCulture, $"redis-{Port}");

    /// <summary>Starts the node again in the same place: a master of a cluster that was replaced comes back as a replica. Does nothing while it runs.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        RequireProcess("Starting a node");
        if (_process is { IsRunning: true })
            return;
        if (_process is not null)
            await _process.DisposeAsync();
        var folder = Directory.CreateDirectory(_folder!.PathOf(Name)).FullName;
        _process = await ServerProcess.StartAsync(Name, [_program!, .. Arguments(folder)], folder, _folder.PathOf(Name + ".log"), cancellationToken);
        await _process.WaitUntilReadyAsync(FindMissingAsync, cancellationToken);
    }

    /// <summary>Stops the node in order (SIGTERM).</summary>
    public Task StopAsync(CancellationToken cancellationToken) => Running("Stopping a node").EndAsync(Signals.Terminate, cancellationToken);

    /// <summary>Kills the process at once (SIGKILL): connections break and new ones are refused.</summary>
    public Task KillAsync(CancellationToken cancellationToken) => Running("Killing a node").KillAsync(cancellationToken);

    /// <summary>Stops the process where it is (SIGSTOP): connections stay and are accepted, and nothing answers.</summary>
    public Task FreezeAsync(CancellationToken cancellationToken) => Running("Freezing a node").FreezeAsync(cancellationToken);

    /// <summary>Lets a frozen node go on.</summary>
    public void Resume() => Running("Resuming a node").Resume();

    /// <summary>Forgets all scripts, as a restart does: EVALSHA answers NOSCRIPT until they are sent again.</summary>
    public Task FlushScriptsAsync(CancellationToken cancellationToken) => SendAsync(cancellationToken, "SCRIPT", "FLUSH", "SYNC");

    /// <summary>Ends the node.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            await process.DisposeAsync();
        }

        if (Gate is not null)
            await Gate.DisposeAsync();
    }

    /// <summary>Sends one command past the gate.</summary>
    internal Task<RedisReply> SendAsync(CancellationToken cancellationToken, params IReadOnlyList<string> command) =>
        RedisConnection.SendAsync(Port, command, cancellationToken);

    /// <summary>Sends one command past the gate.</summary>
    /// <returns>The answer, or null when the node does not serve or does not answer.</returns>
    internal async Task<RedisReply?> TrySendAsync(CancellationToken cancellationToken, params IReadOnlyList<string> command)
    {
        if (!IsServing)
            return null;
        try
        {
            return await SendAsync(cancellationToken, command);
        }
        catch (Exception e) when (e is SocketException or IOException or TimeoutException or RedisErrorException)
        {
            return null;
        }
    }

    /// <summary>What is missing until the node answers; null when it does.</summary>
    internal async Task<string?> FindMissingAsync(CancellationToken cancellationToken)
    {
        try
        {
            await SendAsync(cancellationToken, "PING");
            return null;
        }
        catch (Exception e) when (e is SocketException or IOException or TimeoutException or RedisErrorException)
        {
            return e.Message;
        }
    }

    /// <summary>Command-line arguments of redis-server; later ones win. A node in a container has no folder.</summary>
    internal IReadOnlyList<string> Arguments(string? folder)
    {
        var options = _options;
        List<string> arguments = [.. options.Settings.SelectMany(setting => new[] { $"--{setting.Key}", setting.Value })];
        arguments.AddRange(["--port", $"{Port}", "--save", "", "--appendonly", options.Durable ? "yes" : "no", "--appendfsync", "always"]);
        arguments.AddRange(folder is null ? ["--protected-mode", "no"] : ["--bind", Host, "--dir", folder]);
        arguments.AddRange(["--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0"]);
        if (options is RedisClusterOptions cluster)
        {
            arguments.AddRange(["--cluster-enabled", "yes", "--cluster-config-file", $"{Name}.nodes"]);
            arguments.AddRange(["--cluster-node-timeout", $"{cluster.NodeTimeout.TotalMilliseconds:0}", "--cluster-require-full-coverage", "no"]);
            arguments.AddRange(["--cluster-allow-replica-migration", "no", "--cluster-announce-ip", Host]);
            if (Gate is not null)
                arguments.AddRange(["--cluster-announce-port", $"{Gate.Port}", "--cluster-announce-bus-port", $"{Port + Ports.BusDistance}"]);
        }

        return arguments;
    }

    private ServerProcess Running(string operation)
    {
        RequireProcess(operation);
        return _process is { IsRunning: true } process ? process : throw new InvalidOperationException($"{operation}: {Name} does not run.");
    }

    private void RequireProcess(string operation)
    {
        if (_program is null)
            throw ServerUnavailableException.NeedsLocalProcess(operation, Package);
    }
}
