using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Monitoring;

/// <summary>The programs of Prometheus and Alertmanager on this machine. Where they are missing, they are installed (as root on Debian).</summary>
public sealed class MonitoringPrograms
{
    private static readonly string[] Names = ["prometheus", "promtool", "prometheus-alertmanager", "amtool"];
    private static readonly TimeSpan ToolLimit = TimeSpan.FromMinutes(2);

    private readonly string _folder;

    private MonitoringPrograms(string folder) => _folder = folder;

    /// <summary>The server program of Prometheus.</summary>
    internal string Prometheus => Path.Combine(_folder, Names[0]);

    /// <summary>The server program of Alertmanager, by its name on Debian.</summary>
    internal string Alertmanager => Path.Combine(_folder, Names[2]);

    /// <summary>Finds or installs them.</summary>
    /// <exception cref="ServerUnavailableException">They cannot be had here.</exception>
    public static async Task<MonitoringPrograms> GetAsync(CancellationToken cancellationToken)
    {
        var (folder, reason) = await Programs.FindOrInstallAsync(Names, DebianPackages.Monitoring, cancellationToken);
        return folder is null
            ? throw new ServerUnavailableException(
                $"Prometheus and Alertmanager: {reason}. Install them (Debian: apt-get install prometheus prometheus-alertmanager)."
            )
            : new MonitoringPrograms(folder);
    }

    /// <summary>Runs promtool to its end, and returns what it wrote.</summary>
    /// <exception cref="InvalidOperationException">It failed; the message has its output.</exception>
    public Task<string> RunPromtoolAsync(string folder, CancellationToken cancellationToken, params string[] arguments) =>
        Tool.RunAsync([Path.Combine(_folder, Names[1]), .. arguments], folder, ToolLimit, cancellationToken);

    /// <summary>Runs amtool to its end, and returns what it wrote.</summary>
    /// <exception cref="InvalidOperationException">It failed; the message has its output.</exception>
    public Task<string> RunAmtoolAsync(string folder, CancellationToken cancellationToken, params string[] arguments) =>
        Tool.RunAsync([Path.Combine(_folder, Names[3]), .. arguments], folder, ToolLimit, cancellationToken);
}
