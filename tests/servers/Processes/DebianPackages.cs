using UrlShortener.TestServers.Postgres;

namespace UrlShortener.TestServers.Processes;

/// <summary>Packages that are installed together on a Debian-like system, once per process, provided that it runs as root.</summary>
internal sealed class DebianPackages
{
    /// <summary>
    /// The packages would start servers of their own; a policy that forbids it is put up for the time of the installation. A shell does all of it, so that
    /// the policy is taken down even when this process is killed meanwhile. Every step has a limit.
    /// </summary>
    private const string Script = """
        export DEBIAN_FRONTEND=noninteractive
        policy=/usr/sbin/policy-rc.d
        if [ ! -e $policy ]; then
            trap 'rm -f $policy' EXIT
            printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy
        fi
        network='-o Acquire::Retries=2 -o Acquire::http::Timeout=20'
        timeout 120 apt-get update -q $network
        timeout 420 apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=60 $network "$@"
        """;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    private readonly Func<Task<bool>> _isInstalledAsync;
    private readonly IReadOnlyList<string> _packages;
    private readonly Lazy<Task<string?>> _installation;

    private DebianPackages(IReadOnlyList<string> programs, IReadOnlyList<string> packages)
        : this(() => Task.FromResult(programs.All(program => Programs.FindFolder([program]) is not null)), packages) { }

    private DebianPackages(Func<Task<bool>> isInstalledAsync, IReadOnlyList<string> packages)
    {
        _isInstalledAsync = isInstalledAsync;
        _packages = packages;
        _installation = new Lazy<Task<string?>>(InstallOnceAsync);
    }

    /// <summary>PostgreSQL and Redis.</summary>
    public static DebianPackages Stores { get; } = new(["redis-server", "postgres"], ["postgresql", "redis-server"]);

    /// <summary>Prometheus and Alertmanager, with promtool and amtool.</summary>
    public static DebianPackages Monitoring { get; } = new(["prometheus", "prometheus-alertmanager"], ["prometheus", "prometheus-alertmanager"]);

    /// <summary>Java without a desktop.</summary>
    public static DebianPackages Java { get; } = new(["java"], ["openjdk-17-jre-headless"]);

    /// <summary>The program that backs PostgreSQL up.</summary>
    public static DebianPackages Backup { get; } = new(["pgbackrest"], ["pgbackrest"]);

    /// <summary>The packet filter.</summary>
    public static DebianPackages PacketFilter { get; } = new(["iptables"], ["iptables"]);

    /// <summary>Python's virtual environments.</summary>
    public static DebianPackages Python { get; } = new(PatroniPrograms.HasPythonAsync, ["python3-venv"]);

    /// <summary>Installs what is not there; only the first call does. A caller that is cancelled leaves the installation to end in order.</summary>
    /// <returns>Null, or why nothing was installed.</returns>
    public Task<string?> InstallAsync(CancellationToken cancellationToken) => _installation.Value.WaitAsync(cancellationToken);

    private async Task<string?> InstallOnceAsync()
    {
        if (await _isInstalledAsync())
            return null;
        if (!Environment.IsPrivilegedProcess)
            return $"only root can install it (apt-get install {string.Join(' ', _packages)})";
        if (!File.Exists("/usr/bin/apt-get"))
            return "this system has no apt-get";
        try
        {
            using var locked = await LockAsync();
            // The process that held the lock before may have installed all.
            if (!await _isInstalledAsync())
                await Tool.RunAsync(["/bin/sh", "-c", Script, "sh", .. _packages], Path.GetTempPath(), Limit, CancellationToken.None);
            return null;
        }
        catch (Exception e) when (e is InvalidOperationException or TimeoutException)
        {
            return $"its installation failed: {e.Message}";
        }
    }

    /// <summary>Only one process installs at a time. The lock goes with its process, however that ends.</summary>
    private static async Task<FileStream> LockAsync()
    {
        var path = Path.Combine(Path.GetTempPath(), "urlshortener-servers.lock");
        FileStream? stream = null;
        await Poll.UntilAsync(
            "another process ends its installation",
            Limit,
            _ =>
            {
                try
                {
                    stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
                    return Task.FromResult<string?>(null);
                }
                catch (IOException e)
                {
                    return Task.FromResult<string?>(e.Message);
                }
            },
            CancellationToken.None
        );
        return stream!;
    }
}
