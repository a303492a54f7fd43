using System.ComponentModel;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Postgres;

/// <summary>
/// Patroni and patronictl, in a virtual environment of Python. It is made once, of the wheels beside the checkout or of Python's package index, and meant for
/// containers, which have it at <see cref="Place"/>.
/// </summary>
/// <param name="Folder">The environment's folder on this machine.</param>
internal sealed record PatroniPrograms(string Folder)
{
    /// <summary>Where containers have the environment. Its scripts name their interpreter by this path.</summary>
    public const string Place = "/opt/patroni";

    /// <summary>Version of Patroni.</summary>
    public const string Version = "4.1.5";

    private const string Wheels = "../shared/test-servers/patroni/wheels";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);
    private static readonly Lazy<Task<PatroniPrograms>> Found = new(FindOnceAsync);

    /// <summary>Interpreters that other users than root may run, too. Those of version managers are often in a home folder.</summary>
    private static readonly string[] Interpreters = ["/usr/bin/python3", "/usr/local/bin/python3"];

    /// <summary>Finds the environment, or makes it.</summary>
    /// <exception cref="ServerUnavailableException">It cannot be made here.</exception>
    public static Task<PatroniPrograms> FindAsync(CancellationToken cancellationToken) => Found.Value.WaitAsync(cancellationToken);

    private static async Task<PatroniPrograms> FindOnceAsync()
    {
        var folder = ToolCache.PathOf($"patroni-{Version}");
        if (Directory.Exists(folder))
            return new PatroniPrograms(folder);
        var wheels = Checkout.Find() is { } checkout ? Path.GetFullPath(Wheels, checkout) : null;
        try
        {
            if (await DebianPackages.Python.InstallAsync(CancellationToken.None) is { } reason)
                throw new InvalidOperationException($"Python cannot make virtual environments: {reason}");
            await ToolCache.FillAsync(folder, partial => BuildAsync(partial, Directory.Exists(wheels) ? wheels : null));
            return new PatroniPrograms(folder);
        }
        catch (Exception e) when (e is InvalidOperationException or TimeoutException or Win32Exception)
        {
            throw new ServerUnavailableException(
                $"Patroni {Version} cannot be had here. It takes Python 3 with venv (Debian: apt-get install python3-venv), and {Wheels} beside the checkout or "
                    + $"access to Python's package index. {e.Message}",
                e
            );
        }
    }

    /// <summary>Whether Python can make virtual environments with pip in them.</summary>
    public static async Task<bool> HasPythonAsync()
    {
        try
        {
            await Tool.RunAsync([Interpreter(), "-c", "import ensurepip, venv"], "/", Limit, CancellationToken.None);
            return true;
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception)
        {
            return false;
        }
    }

    private static string Interpreter() => Interpreters.FirstOrDefault(File.Exists) ?? Interpreters[0];

    private static async Task BuildAsync(string folder, string? wheels)
    {
        await Tool.RunAsync([Interpreter(), "-m", "venv", folder], "/", Limit, CancellationToken.None);
        // A machine without access to the index finds out within seconds.
        string[] source = wheels is null ? ["--retries", "1", "--timeout", "10"] : ["--no-index", "--find-links", wheels];
        string[] install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", .. source, $"patroni[psycopg3]=={Version}"];
        await Tool.RunAsync([Path.Combine(folder, "bin/python3"), .. install], "/", Limit, CancellationToken.None);
        foreach (var script in Directory.EnumerateFiles(Path.Combine(folder, "bin")).Where(file => File.ResolveLinkTarget(file, false) is null))
        {
            var text = await File.ReadAllTextAsync(script);
            if (text.StartsWith($"#!{folder}/", StringComparison.Ordinal))
                await File.WriteAllTextAsync(script, string.Concat($"#!{Place}", text.AsSpan(2 + folder.Length)));
        }
    }
}
