using System.Globalization;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Monitoring;

/// <summary>A real Alertmanager on loopback, with a configuration of the test. It ends with this process, whichever way that ends.</summary>
public sealed class AlertmanagerServer : IAsyncDisposable
{
    private readonly MonitoringPrograms _programs;
    private readonly ServerFolder _folder;
    private readonly int _port = Ports.Take();
    private ServerProcess? _process;

    private AlertmanagerServer(MonitoringPrograms programs, ServerFolder folder)
    {
        _programs = programs;
        _folder = folder;
    }

    /// <summary>The address of its API.</summary>
    public Uri Address => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{_port}/"));

    /// <summary>Starts a server, and returns when it is ready.</summary>
    /// <param name="configuration">The text of alertmanager.yml. It may name files of <paramref name="files"/>, relative to it.</param>
    /// <param name="files">Files beside the configuration by name, such as the secrets that it reads.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="ServerUnavailableException">Alertmanager cannot be had here.</exception>
    public static async Task<AlertmanagerServer> StartAsync(
        string configuration,
        IReadOnlyDictionary<string, string> files,
        CancellationToken cancellationToken
    )
    {
        var programs = await MonitoringPrograms.GetAsync(cancellationToken);
        var server = new AlertmanagerServer(programs, ServerFolder.Create(onDisk: false));
        try
        {
            foreach (var (name, text) in files)
                await File.WriteAllTextAsync(server._folder.PathOf(name), text, cancellationToken);
            await File.WriteAllTextAsync(server._folder.PathOf("alertmanager.yml"), configuration, cancellationToken);
            await server.StartAsync(cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it, again after <see cref="KillAsync"/>, with the silences and the log of notifications that it had.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        string[] command =
        [
            _programs.Alertmanager,
            $"--config.file={_folder.PathOf("alertmanager.yml")}",
            $"--storage.path={_folder.PathOf("data")}",
            $"--web.listen-address={Address.Authority}",
            // One server: it asks no peers.
            "--cluster.listen-address=",
        ];
        _process = await ServerProcess.StartAsync("Alertmanager", command, _folder.FullName, _folder.PathOf("log"), cancellationToken);
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
