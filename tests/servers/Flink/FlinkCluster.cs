using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.RegularExpressions;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Flink;

/// <summary>
/// A real Flink for tests, on loopback: a job manager whose jobs outlive it, with a ZooKeeper, and a task manager. It needs Java and an unpacked Flink; else
/// there is a <see cref="ServerUnavailableException"/>. All processes end with this one, whichever way that ends.
/// </summary>
public sealed partial class FlinkCluster : IAsyncDisposable
{
    private const int Slots = 4;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly FlinkPrograms _programs;
    private readonly ServerFolder _folder;
    private readonly HttpClient _http;
    private readonly ConcurrentDictionary<string, ServerProcess> _processes = new();
    private readonly int _zooKeeperPort = Ports.Take();
    private int _taskManagers;

    private FlinkCluster(FlinkPrograms programs, ServerFolder folder)
    {
        (_programs, _folder) = (programs, folder);
        _http = new HttpClient { BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Ports.Take()}")), Timeout = Limit };
    }

    /// <summary>Makes a cluster that is yet to be started.</summary>
    /// <exception cref="ServerUnavailableException">Flink cannot be had here.</exception>
    public static async Task<FlinkCluster> CreateAsync(CancellationToken cancellationToken)
    {
        var cluster = new FlinkCluster(await FlinkPrograms.FindAsync(cancellationToken), ServerFolder.Create(onDisk: false));
        try
        {
            await cluster.WriteSettingsAsync(cancellationToken);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts all processes. Returns when the cluster can run jobs; they may be submitted before that.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await StartZooKeeperAsync(cancellationToken);
        await Task.WhenAll(StartJobManagerAsync(cancellationToken), StartTaskManagerAsync(cancellationToken));
    }

    /// <summary>Runs a SQL script to its end, in the way in which a <c>FlinkDeployment</c> does.</summary>
    /// <param name="script">Path of the script. It begins one job.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="savepoint">Address of the savepoint that the job begins with; null: it begins with an empty state.</param>
    /// <returns>Id of the job.</returns>
    public async Task<string> SubmitAsync(string script, CancellationToken cancellationToken, string? savepoint = null)
    {
        var gateway = Directory.EnumerateFiles(_programs.Optional, "flink-sql-gateway-*.jar").Single();
        var settings = ProcessSettings("submit").Append("-Xmx384m").Append("-XX:TieredStopAtLevel=1");
        var command = _programs.CommandOf(
            settings,
            "org.apache.flink.client.cli.CliFrontend",
            [
                "run",
                "-d",
                .. savepoint is null ? [] : new[] { "-s", savepoint },
                "-c",
                "org.apache.flink.table.runtime.application.SqlDriver",
                gateway,
                "--scriptUri",
                new Uri(script).AbsoluteUri,
            ]
        );
        string[] environment =
        [
            "/usr/bin/env",
            $"FLINK_CONF_DIR={_folder.PathOf("conf")}",
            $"FLINK_LIB_DIR={Path.Combine(_programs.Folder, "lib")}",
            $"FLINK_OPT_DIR={_programs.Optional}",
            $"FLINK_PLUGINS_DIR={Path.Combine(_programs.Folder, "plugins")}",
        ];
        var output = await Tool.RunAsync([.. environment, .. command], _folder.FullName, Limit, cancellationToken);
        return SubmittedJob().Match(output) is { Success: true } job
            ? job.Groups[1].Value
            : throw new InvalidOperationException($"The script began no job:\n{output}");
    }

    /// <summary>Stops a job with a savepoint. Results of everything that it has read are committed then.</summary>
    /// <returns>Address of the savepoint.</returns>
    public async Task<string> StopWithSavepointAsync(string job, CancellationToken cancellationToken)
    {
        using var request = new StringContent("{}", MediaTypeHeaderValue.Parse("application/json"));
        using var answer = await _http.PostAsync(new Uri($"/jobs/{job}/stop", UriKind.Relative), request, cancellationToken);
        var begun = await answer.Content.ReadAsStringAsync(cancellationToken);
        if (!answer.IsSuccessStatusCode)
            throw new InvalidOperationException($"The job cannot be stopped with a savepoint: {begun}");
        var id = JsonElement.Parse(begun).GetProperty("request-id").GetString();
        JsonElement operation = default;
        await Poll.UntilAsync(
            "the savepoint is complete",
            Limit,
            async token =>
            {
                if (
                    await ReadAsync($"/jobs/{job}/savepoints/{id}", token) is not { } state
                    || state.GetProperty("status").GetProperty("id").GetString() != "COMPLETED"
                )
                    return "it is not";
                operation = state.GetProperty("operation");
                return null;
            },
            cancellationToken
        );
        return operation.TryGetProperty("location", out var location)
            ? location.GetString()!
            : throw new InvalidOperationException($"The job was not stopped with a savepoint: {operation}");
    }

    /// <summary>Starts the job manager. Returns when it answers.</summary>
    public async Task StartJobManagerAsync(CancellationToken cancellationToken)
    {
        var settings = ProcessSettings("jobmanager").Concat(["-Xms128m", "-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:MaxMetaspaceSize=256m"]);
        var command = _programs.CommandOf(
            settings,
            "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
            ["--configDir", _folder.PathOf("conf"), "--executionMode", "cluster"]
        );
        var process = await StartAsync("jobmanager", command, cancellationToken);
        await process.WaitUntilReadyAsync(async token => await ReadAsync("/overview", token) is null ? "no answer" : null, cancellationToken);
    }

    /// <summary>Starts a task manager in the place of the one before. Returns when its slots are there.</summary>
    public async Task StartTaskManagerAsync(CancellationToken cancellationToken)
    {
        var id = string.Create(CultureInfo.InvariantCulture, $"taskmanager-{++_taskManagers}");
        var settings = ProcessSettings("taskmanager")
            .Concat(["-Xms128m", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:MaxDirectMemorySize=256m", "-XX:MaxMetaspaceSize=256m"]);
        // Flink's own scripts compute these from the size of the process.
        string[] memory =
        [
            "framework.heap.size=128m",
            "task.heap.size=384m",
            "framework.off-heap.size=128m",
            "task.off-heap.size=64m",
            "network.min=64m",
            "network.max=64m",
            "managed.size=128m",
            "jvm-metaspace.size=256m",
            "jvm-overhead.min=128m",
            "jvm-overhead.max=128m",
        ];
        string[] arguments =
        [
            "--configDir",
            _folder.PathOf("conf"),
            "-D",
            $"taskmanager.resource-id={id}",
            "-D",
            string.Create(CultureInfo.InvariantCulture, $"taskmanager.cpu.cores={Slots}.0"),
            .. memory.SelectMany(setting => new[] { "-D", "taskmanager.memory." + setting }),
        ];
        var command = _programs.CommandOf(settings, "org.apache.flink.runtime.taskexecutor.TaskManagerRunner", arguments);
        var process = await StartAsync("taskmanager", command, cancellationToken);
        await process.WaitUntilReadyAsync(
            async token =>
                await ReadAsync("/taskmanagers", token) is { } all
                && all.GetProperty("taskmanagers").EnumerateArray().Any(manager => manager.GetProperty("id").GetString() == id)
                    ? null
                    : "it has not registered",
            cancellationToken
        );
    }

    /// <summary>Kills the job manager at once (SIGKILL).</summary>
    public Task KillJobManagerAsync(CancellationToken cancellationToken) => _processes["jobmanager"].KillAsync(cancellationToken);

    /// <summary>Kills the task manager at once (SIGKILL).</summary>
    public Task KillTaskManagerAsync(CancellationToken cancellationToken) => _processes["taskmanager"].KillAsync(cancellationToken);

    /// <summary>Stops the task manager where it is (SIGSTOP): it commits nothing any more.</summary>
    public Task FreezeTaskManagerAsync(CancellationToken cancellationToken) => _processes["taskmanager"].FreezeAsync(cancellationToken);

    /// <summary>Lets a frozen task manager go on.</summary>
    public void ResumeTaskManager() => _processes["taskmanager"].Resume();

    /// <summary>State of a job; null: it cannot be had now.</summary>
    public async Task<string?> ReadStateAsync(string job, CancellationToken cancellationToken) =>
        await ReadAsync("/jobs/" + job, cancellationToken) is { } answer ? answer.GetProperty("state").GetString() : null;

    /// <summary>What the job manager says of the checkpoints of a job; null: it cannot be had now.</summary>
    public Task<JsonElement?> ReadCheckpointsAsync(string job, CancellationToken cancellationToken) => ReadAsync($"/jobs/{job}/checkpoints", cancellationToken);

    /// <summary>The ends of the logs of all processes.</summary>
    public string ReadLogs() => string.Join('\n', _processes.Select(process => $"{process.Key}:\n{process.Value.ReadLog()}"));

    /// <summary>Ends all processes and removes their data.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_processes.Values.Select(process => process.DisposeAsync().AsTask()));
        _http.Dispose();
        _folder.Delete();
    }

    private async Task<ServerProcess> StartAsync(string name, IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        if (_processes.TryRemove(name, out var former))
            await former.DisposeAsync();
        var temporary = _folder.PathOf(name);
        // What a killed one has unpacked.
        if (Directory.Exists(temporary))
            Directory.Delete(temporary, recursive: true);
        Directory.CreateDirectory(temporary);
        return _processes[name] = await ServerProcess.StartAsync(name, command, temporary, _folder.PathOf(name + ".log"), cancellationToken);
    }

    private async Task StartZooKeeperAsync(CancellationToken cancellationToken)
    {
        var command = _programs.CommandOf(
            ProcessSettings("zookeeper").Concat(["-Xmx64m", "-XX:TieredStopAtLevel=1", "-Dzookeeper.admin.enableServer=false"]),
            "org.apache.flink.runtime.zookeeper.FlinkZooKeeperQuorumPeer",
            ["--zkConfigFile", Path.Combine(_folder.PathOf("conf"), "zoo.cfg"), "--peerId", "1"]
        );
        await StartAsync("zookeeper", command, cancellationToken);
    }

    private IEnumerable<string> ProcessSettings(string name)
    {
        var temporary = Directory.CreateDirectory(_folder.PathOf(name)).FullName;
        return [$"-Djava.io.tmpdir={temporary}", $"-Dlog4j2.configurationFile={Path.Combine(_folder.PathOf("conf"), "log4j2.properties")}"];
    }

    private async Task WriteSettingsAsync(CancellationToken cancellationToken)
    {
        var conf = Directory.CreateDirectory(_folder.PathOf("conf")).FullName;
        string Place(string name) => new Uri(Directory.CreateDirectory(_folder.PathOf(name)).FullName).AbsoluteUri;
        Dictionary<string, string> settings = new()
        {
            ["jobmanager.rpc.address"] = "127.0.0.1",
            ["jobmanager.bind-host"] = "127.0.0.1",
            ["rest.address"] = "127.0.0.1",
            ["rest.bind-address"] = "127.0.0.1",
            ["rest.port"] = _http.BaseAddress!.Port.ToString(CultureInfo.InvariantCulture),
            ["taskmanager.host"] = "127.0.0.1",
            ["taskmanager.bind-host"] = "127.0.0.1",
            ["taskmanager.numberOfTaskSlots"] = Slots.ToString(CultureInfo.InvariantCulture),
            ["parallelism.default"] = "2",
            ["state.backend.type"] = "hashmap",
            ["execution.checkpointing.storage"] = "filesystem",
            ["execution.checkpointing.dir"] = Place("checkpoints"),
            ["execution.checkpointing.savepoint-dir"] = Place("savepoints"),
            ["execution.checkpointing.externalized-checkpoint-retention"] = "RETAIN_ON_CANCELLATION",
            ["restart-strategy.type"] = "fixed-delay",
            ["restart-strategy.fixed-delay.attempts"] = "1000",
            ["restart-strategy.fixed-delay.delay"] = "1 s",
            ["heartbeat.interval"] = "1000",
            ["heartbeat.timeout"] = "60000",
            ["heartbeat.rpc-failure-threshold"] = "2",
            ["high-availability.type"] = "zookeeper",
            ["high-availability.zookeeper.quorum"] = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{_zooKeeperPort}"),
            ["high-availability.zookeeper.client.session-timeout"] = "6000",
            ["high-availability.storageDir"] = Place("high-availability"),
            ["high-availability.jobmanager.port"] = Ports.Take().ToString(CultureInfo.InvariantCulture),
            // Answers about jobs are not kept for seconds.
            ["web.refresh-interval"] = "200",
        };
        await File.WriteAllLinesAsync(Path.Combine(conf, "config.yaml"), settings.Select(setting => $"{setting.Key}: {setting.Value}"), cancellationToken);
        string[] zooKeeper =
        [
            string.Create(CultureInfo.InvariantCulture, $"clientPort={_zooKeeperPort}"),
            "clientPortAddress=127.0.0.1",
            $"dataDir={Directory.CreateDirectory(_folder.PathOf("zookeeper-data")).FullName}",
            "tickTime=500",
            "initLimit=10",
            "syncLimit=10",
            string.Create(CultureInfo.InvariantCulture, $"server.1=127.0.0.1:{Ports.Take()}:{Ports.Take()}"),
        ];
        await File.WriteAllLinesAsync(Path.Combine(conf, "zoo.cfg"), zooKeeper, cancellationToken);
        string[] log =
        [
            "rootLogger.level = ERROR",
            "rootLogger.appenderRef.console.ref = console",
            "appender.console.type = Console",
            "appender.console.name = console",
            "appender.console.layout.type = PatternLayout",
            "appender.console.layout.pattern = %d %p %m (%c{1})%n%throwable{short.message}",
        ];
        await File.WriteAllLinesAsync(Path.Combine(conf, "log4j2.properties"), log, cancellationToken);
    }

    private async Task<JsonElement?> ReadAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await _http.GetAsync(new Uri(path, UriKind.Relative), cancellationToken);
            return answer.IsSuccessStatusCode ? JsonElement.Parse(await answer.Content.ReadAsStringAsync(cancellationToken)) : null;
        }
        catch (HttpRequestException)
        {
            // It does not listen yet, or was killed.
            return null;
        }
    }

    [GeneratedRegex("JobID ([0-9a-f]{32})")]
    private static partial Regex SubmittedJob();
}
