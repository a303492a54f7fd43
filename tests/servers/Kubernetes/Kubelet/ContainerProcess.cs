using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>
/// The program of one start of a container, with all processes that it makes: they have a session of their own, and end with the program as those of a
/// container do.
/// </summary>
internal sealed class ContainerProcess : IAsyncDisposable
{
    /// <summary>What a program needs to find others, and .NET to find itself. The rest of this process' environment is none of a pod's business.</summary>
    private static readonly string[] KeptVariables =
    [
        "PATH",
        "HOME",
        "TMPDIR",
        "LANG",
        "DOTNET_ROOT",
        "DOTNET_ROOT_X64",
        "DOTNET_ROOT_ARM64",
        "DOTNET_EnableWriteXorExecute",
    ];
    private static readonly TimeSpan KillLimit = TimeSpan.FromSeconds(20);

    private readonly ServerProcess _process;

    private ContainerProcess(ServerProcess process) => _process = process;

    /// <summary>Number of the program's own process.</summary>
    public int Id => _process.Id;

    public bool IsRunning => _process.IsRunning;

    /// <summary>When it has ended; 128 and the signal's number where a signal ended it.</summary>
    public int ExitCode => _process.ExitCode;

    public static async Task<ContainerProcess> StartAsync(
        string name,
        ContainerProgram program,
        string folder,
        string logPath,
        CancellationToken cancellationToken
    )
    {
        var environment = Inherited();
        foreach (var (variable, value) in program.Environment)
            environment[variable] = value;
        // It becomes the program, and keeps its number.
        string[] command = ["setsid", program.Executable, .. program.Arguments];
        return new ContainerProcess(await ServerProcess.StartAsync(name, command, folder, logPath, environment, cancellationToken));
    }

    /// <summary>The variables that every program gets.</summary>
    public static Dictionary<string, string> Inherited() =>
        KeptVariables
            .Select(name => (Name: name, Value: Environment.GetEnvironmentVariable(name)))
            .Where(one => one.Value is not null)
            .ToDictionary(one => one.Name, one => one.Value!);

    /// <summary>Sends a signal to the program's own process.</summary>
    public void Signal(int signal) => _process.Signal(signal);

    /// <summary>Waits until the program has ended, and ends what it left behind.</summary>
    public async Task WaitUntilEndedAsync(CancellationToken cancellationToken)
    {
        await _process.WaitUntilEndedAsync(cancellationToken);
        await KillSessionAsync();
    }

    /// <summary>Kills all processes at once.</summary>
    public Task KillAsync() => KillSessionAsync();

    public async ValueTask DisposeAsync()
    {
        await KillSessionAsync();
        await _process.DisposeAsync();
    }

    private Task KillSessionAsync() =>
        Poll.UntilAsync(
            $"the processes of session {Id} are gone",
            KillLimit,
            _ =>
            {
                var left = ProcFiles.ReadSession(Id);
                // All stand still before the first is gone, so that none makes another.
                foreach (var process in left)
                    Signals.Send(process, Signals.Stop);
                foreach (var process in left)
                    Signals.Send(process, Signals.Kill);
                return Task.FromResult(left.Count > 0 ? $"{left.Count} live" : null);
            },
            CancellationToken.None
        );
}
