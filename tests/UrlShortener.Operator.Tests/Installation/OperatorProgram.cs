using UrlShortener.TestServers.Processes;

namespace UrlShortener.Operator.Tests.Installation;

/// <summary>The built operator as a process, started with nothing of this process' environment that it could take for a setting.</summary>
internal sealed class OperatorProgram : IAsyncDisposable
{
    // What the loader and the .NET host need.
    private static readonly string[] KeptVariables =
    [
        "PATH",
        "TMPDIR",
        "LANG",
        "LD_LIBRARY_PATH",
        "DOTNET_ROOT",
        "DOTNET_ROOT_X64",
        "DOTNET_ROOT_ARM64",
        "DOTNET_EnableWriteXorExecute",
        "DOTNET_TC_CallCountingDelayMs",
    ];

    private readonly ServerFolder _folder;
    private readonly ServerProcess _process;
    private readonly string _logPath;

    private OperatorProgram(ServerFolder folder, ServerProcess process, string logPath)
    {
        _folder = folder;
        _process = process;
        _logPath = logPath;
    }

    /// <summary>Whether it has not ended.</summary>
    public bool IsRunning => _process.IsRunning;

    /// <summary>Starts it on loopback, with settings by environment.</summary>
    /// <param name="settings">Names as the documentation has them, such as <c>Operator:Port</c>, or of variables, such as KUBECONFIG.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    public static async Task<OperatorProgram> StartAsync(IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken)
    {
        var folder = ServerFolder.Create(onDisk: true);
        var environment = KeptVariables
            .Select(name => new KeyValuePair<string, string?>(name, Environment.GetEnvironmentVariable(name)))
            .Where(variable => variable.Value is not null)
            .ToDictionary(variable => variable.Key, variable => variable.Value!, StringComparer.Ordinal);
        // No kubeconfig of the person who runs the tests.
        environment["HOME"] = folder.FullName;
        environment["Operator__Address"] = "127.0.0.1";
        foreach (var (name, value) in settings)
            environment[name.Replace(":", "__", StringComparison.Ordinal)] = value;
        var log = folder.PathOf("operator.log");
        var process = await ServerProcess.StartAsync("operator", [BuiltPrograms.Operator], folder.FullName, log, environment, cancellationToken);
        return new OperatorProgram(folder, process, log);
    }

    /// <summary>All that it wrote, to both streams.</summary>
    public string ReadLog()
    {
        using var stream = new FileStream(_logPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>Asks it to stop, with SIGTERM; returns the exit code.</summary>
    /// <exception cref="TimeoutException">It did not end by itself in two minutes.</exception>
    public async Task<int> StopAsync(CancellationToken cancellationToken) =>
        await _process.EndAsync(Signals.Terminate, cancellationToken)
            ? _process.ExitCode
            : throw new TimeoutException($"The operator did not stop. Its log:\n{ReadLog()}");

    /// <summary>Kills it, so that it hands nothing back. Returns when it is gone.</summary>
    public Task KillAsync(CancellationToken cancellationToken) => _process.KillAsync(cancellationToken);

    /// <summary>Waits until it ends by itself; returns the exit code.</summary>
    public async Task<int> WaitAsync(CancellationToken cancellationToken)
    {
        await _process.WaitUntilEndedAsync(cancellationToken).WaitAsync(TimeSpan.FromMinutes(5), cancellationToken);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _folder.Delete();
    }
}
