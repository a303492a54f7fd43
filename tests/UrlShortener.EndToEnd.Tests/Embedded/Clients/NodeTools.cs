using UrlShortener.TestServers;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Embedded.Clients;

/// <summary>A folder with the pinned npm packages of package-lock.json, installed once for all tests; without them its tests are skipped and say why.</summary>
public sealed class NodeTools : IAsyncLifetime
{
    private static readonly TimeSpan InstallLimit = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan RunLimit = TimeSpan.FromSeconds(150);

    private readonly TestFolder _folder = new();
    private string? _missing;

    public async ValueTask InitializeAsync()
    {
        foreach (var file in new DirectoryInfo(Path.Combine(Source, "node")).EnumerateFiles())
            file.CopyTo(_folder.PathOf(file.Name));
        try
        {
            if (await ExecuteAsync("node", InstallLimit, "--version") is { ExitCode: not 0 })
                _missing = "node does not run.";
            else if (await ExecuteAsync("npm", InstallLimit, "ci", "--ignore-scripts", "--no-audit", "--no-fund") is { ExitCode: not 0 } failed)
                _missing = $"npm cannot install the packages: {failed.Error.Trim()}";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            _missing = "node and npm are not on this machine.";
        }
        catch (OperationCanceledException)
        {
            _missing = $"npm did not install the packages within {InstallLimit.TotalSeconds:0} s.";
        }
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>The folder of this file.</summary>
    internal static string Source => Checkout.PathOf("tests", "UrlShortener.EndToEnd.Tests", "Embedded", "Clients");

    /// <summary>Writes a file beside the packages.</summary>
    internal Task WriteAsync(string name, string text) => File.WriteAllTextAsync(_folder.PathOf(name), text, TestContext.Current.CancellationToken);

    /// <summary>Runs a program of the packages, or node itself; skips the test when there are none.</summary>
    internal async Task<ProgramResult> RunAsync(string program, params string[] arguments)
    {
        Assert.SkipWhen(_missing is not null, _missing ?? "");
        return await ExecuteAsync(program == "node" ? program : _folder.PathOf(Path.Combine("node_modules", ".bin", program)), RunLimit, arguments);
    }

    private Task<ProgramResult> ExecuteAsync(string program, TimeSpan limit, params string[] arguments) =>
        ToolProcess.RunAsync(_folder.FullName, program, limit, arguments);
}
