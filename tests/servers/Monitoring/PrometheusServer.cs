using System.Globalization;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Monitoring;

/// <summary>A real Prometheus on loopback, with a configuration of the test. It ends with this process, whichever way that ends.</summary>
public sealed class PrometheusServer : IAsyncDisposable
{
    private readonly MonitoringPrograms _programs;
    private readonly ServerFolder _folder;
    private readonly int _port = Ports.Take();
    private ServerProcess? _process;

    private PrometheusServer(MonitoringPrograms programs, ServerFolder folder)
    {
        _programs = programs;
        _folder = folder;
    }

    /// <summary>The address of its API.</summary>
    public Uri Address => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{_port}/"));

    /// <summary>Starts a server, and returns when it is ready.</summary>
    /// <param name="configuration">The text of prometheus.yml.</param>
    /// <param name="rules">Rule files by name; the configuration names them as <c>rules/*.yaml</c>.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="ServerUnavailableException">Prometheus cannot be had here.</exception>
    public static async Task<PrometheusServer> StartAsync(string configuration, IReadOnlyDictionary<string, string> rules, CancellationToken cancellationToken)
    {
        var programs = await MonitoringPrograms.GetAsync(cancellationToken);
        var server = new PrometheusServer(programs, ServerFolder.Create(onDisk: false));
        try
        {
            Directory.CreateDirectory(server._folder.PathOf("rules"));
            foreach (var (name, text) in rules)
                await File.WriteAllTextAsync(Path.Combine(server._folder.PathOf("rules"), name), text, cancellationToken);
            await File.WriteAllTextAsync(server._folder.PathOf("prometheus.yml"), configuration, cancellationToken);
            await server.StartAsync(cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it, again after <see cref="KillAsync"/>, with the data that it had.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        string[] command =
        [
            _programs.Prometheus,
            $"--config.file={_folder.PathOf("prometheus.yml")}",
            $"--storage.tsdb.path={_folder.PathOf("data")}",
            $"--web.listen-address={Address.Authority}",
            "--web.enable-lifecycle",
        ];
        _process = await ServerProcess.StartAsync("Prometheus", command, _folder.FullName, _folder.PathOf("log"), cancellationToken);
        await _process.WaitUntilReadyAsync(token => HttpProbe.FindMissingAsync(new Uri(Address, "-/ready"), token), cancellationToken);
    }

    /// <summary>Kills the process; its data stays.</summary>
    public Task KillAsync(CancellationToken cancellationToken) => _process!.KillAsync(cancellationToken);

    /// <summary>Ends the server and removes its data.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await _process.DisposeAsync();
        _folder.Delete();
    }
}
