using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>
/// The program of one start of a container, with all processes that it makes. It is the first process of namespaces of its own, so that they end with it, as
/// those of a container do, whoever their parents are.
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
        "DOTNET_TC_CallCountingDelayMs",
    ];
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly ServerProcess _process;

    private ContainerProcess(ServerProcess process, int id)
    {
        _process = process;
        Id = id;
    }

    /// <summary>Number of the program's own process, as this machine has it.</summary>
    public int Id { get; }

    public bool IsRunning => _process.IsRunning;

    /// <summary>When it has ended; 128 and the signal's number where a signal ended it.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Starts a program, and returns when it is about to begin in a complete view of the container.</summary>
    public static async Task<ContainerProcess> StartAsync(
        string name,
        ContainerProgram program,
        ContainerRoot root,
        string logPath,
        CancellationToken cancellationToken
    )
    {
        var environment = Inherited();
        foreach (var (variable, value) in program.Environment)
            environment[variable] = value;
        var script = Path.Combine(root.WorkingFolder, "container.sh");
        await File.WriteAllTextAsync(script, root.BuildScript(), cancellationToken);
        File.Delete(root.StartedFile);
        string[] command = [.. ContainerNamespaces.Create(script), .. ContainerNamespaces.RunAs(root), program.Executable, .. program.Arguments];
        var process = await ServerProcess.StartAsync(name, command, root.WorkingFolder, logPath, environment, cancellationToken);
        try
        {
            var id = 0;
            await Poll.UntilAsync(
                $"{name} starts",
                Limit,
                _ =>
                {
                    id = ProcFiles.ReadChildren(process.Id).FirstOrDefault(id);
                    return Task.FromResult(!process.IsRunning || (id != 0 && File.Exists(root.StartedFile)) ? null : "its view of files is not complete");
                },
                cancellationToken
            );
            return new ContainerProcess(process, id);
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>The variables that every program gets.</summary>
    public static Dictionary<string, string> Inherited() =>
        KeptVariables
            .Select(name => (Name: name, Value: Environment.GetEnvironmentVariable(name)))
            .Where(one => one.Value is not null)
            .ToDictionary(one => one.Name, one => one.Value!);

    /// <summary>Sends a signal to the program's own process.</summary>
    public void Signal(int signal)
    {
        if (IsRunning && Id != 0)
            Signals.Send(Id, signal);
    }

    /// <summary>The processes of the container now.</summary>
    public IReadOnlyList<int> ReadProcesses() => IsRunning && Id != 0 ? ProcFiles.ReadNamespace(Id) : [];

    /// <summary>Waits until the program has ended, and with it all that it left behind.</summary>
    public Task WaitUntilEndedAsync(CancellationToken cancellationToken) => _process.WaitUntilEndedAsync(cancellationToken);

    /// <summary>Kills all processes at once, and returns when they are gone.</summary>
    public async Task KillAsync()
    {
        // The system kills the others of the namespace.
        Signal(Signals.Kill);
        try
        {
            await _process.WaitUntilEndedAsync(CancellationToken.None).WaitAsync(Limit);
        }
        catch (InvalidOperationException)
        {
            // It has ended, and its runner was faster to let go of it.
        }
    }

    public async ValueTask DisposeAsync()
    {
        Signal(Signals.Kill);
        await _process.DisposeAsync();
    }
}
