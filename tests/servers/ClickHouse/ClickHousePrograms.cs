using System.ComponentModel;
using System.Runtime.InteropServices;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.ClickHouse;

/// <summary>What runs a ClickHouse server: its own program, or its engine as a library with a program of this tree around it.</summary>
/// <param name="Path">Path of the program or of the library.</param>
/// <param name="Host">Path of the program around the library; null: there is no library.</param>
internal sealed record ClickHousePrograms(string Path, string? Host)
{
    /// <summary>The variable that names ClickHouse's own program.</summary>
    public const string ProgramVariable = "CLICKHOUSE_BINARY";

    private const string Program = "clickhouse";
    private const string HostProject = "UrlShortener.ClickHouseHost";

    // The engine is the whole server; it reports version 26.7.
    private const string Package = "@chdb/lib-linux-x64-gnu";
    private const string Version = "26.7.3-stable.1";
    private const string Integrity = "sha512-XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw==";
    private const string Library = $"node_modules/{Package}/libchdb.so";

    private static readonly TimeSpan DownloadLimit = TimeSpan.FromMinutes(10);
    private static readonly Lazy<Task<ClickHousePrograms>> Found = new(FindOnceAsync);

    /// <summary>Finds a program, else downloads the library.</summary>
    /// <exception cref="ServerUnavailableException">ClickHouse cannot be had here.</exception>
    public static Task<ClickHousePrograms> FindAsync(CancellationToken cancellationToken) => Found.Value.WaitAsync(cancellationToken);

    /// <summary>The command that serves with a configuration.</summary>
    public IReadOnlyList<string> CommandOf(string configuration, string data, int httpPort, int tcpPort) =>
        Host is null
            ? [Path, "server", $"--config-file={configuration}"]
            // clickhouse-local, whose command line the library has, takes these as options only.
            : [Host, Path, $"--config-file={configuration}", $"--path={data}", "--listen_host=127.0.0.1", $"--http_port={httpPort}", $"--tcp_port={tcpPort}"];

    private static async Task<ClickHousePrograms> FindOnceAsync()
    {
        if (Environment.GetEnvironmentVariable(ProgramVariable) is { Length: > 0 } named)
        {
            return File.Exists(named)
                ? new ClickHousePrograms(named, null)
                : throw new ServerUnavailableException($"{ProgramVariable} is {named}, which does not exist. Put the program there, or unset it.");
        }

        if (Programs.FindFolder([Program]) is { } installed)
            return new ClickHousePrograms(System.IO.Path.Combine(installed, Program), null);
        var folder = ToolCache.PathOf($"clickhouse-{Version}");
        if (!Directory.Exists(folder) && await DownloadAsync(folder) is { } reason)
        {
            throw new ServerUnavailableException(
                $"ClickHouse needs its program in {ProgramVariable} or as {Program} on the PATH, or npm with access to the package {Package} {Version}: {reason}."
            );
        }

        return new ClickHousePrograms(System.IO.Path.Combine(folder, Library), FindHost());
    }

    private static async Task<string?> DownloadAsync(string folder)
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.OSArchitecture != Architecture.X64)
            return "the package is for Linux on x86-64";
        try
        {
            await ToolCache.FillAsync(
                folder,
                async partial =>
                {
                    await File.WriteAllTextAsync(System.IO.Path.Combine(partial, "package.json"), Manifest);
                    await File.WriteAllTextAsync(System.IO.Path.Combine(partial, "package-lock.json"), Lock);
                    await Tool.RunAsync(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], partial, DownloadLimit, CancellationToken.None);
                }
            );
            return null;
        }
        catch (Exception e) when (e is InvalidOperationException or TimeoutException or Win32Exception)
        {
            return e.Message;
        }
    }

    /// <summary>What was built together with the program that runs, of the same configuration.</summary>
    private static string FindHost()
    {
        // PROJECT/bin/CONFIGURATION/FRAMEWORK
        var framework = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(System.IO.Path.DirectorySeparatorChar));
        var path = Checkout.PathOf("tests", "servers", "ClickHouseHost", "bin", framework.Parent!.Name, framework.Name, HostProject);
        return File.Exists(path) ? path : throw new InvalidOperationException($"{path} is not built.");
    }

    private const string Manifest = $$"""
        { "name": "clickhouse", "version": "1.0.0", "private": true, "dependencies": { "{{Package}}": "{{Version}}" } }
        """;

    // npm refuses a package of another checksum.
    private const string Lock = $$"""
        {
          "name": "clickhouse",
          "version": "1.0.0",
          "lockfileVersion": 3,
          "requires": true,
          "packages": {
            "": { "name": "clickhouse", "version": "1.0.0", "dependencies": { "{{Package}}": "{{Version}}" } },
            "node_modules/{{Package}}": { "version": "{{Version}}", "integrity": "{{Integrity}}" }
          }
        }
        """;
}
