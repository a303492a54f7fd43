using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.TestHarness.Product;

/// <summary>The built executable: started with nothing of this process' environment that it could take for a setting.</summary>
internal static partial class ProductProgram
{
    private static readonly TimeSpan RunLimit = TimeSpan.FromMinutes(5);

    // What the loader and the .NET host need; ASPNETCORE_URLS and the like stay out.
    private static readonly string[] KeptVariables =
    [
        "PATH",
        "HOME",
        "TMPDIR",
        "LANG",
        "LD_LIBRARY_PATH",
        "DOTNET_ROOT",
        "DOTNET_ROOT_X64",
        "DOTNET_ROOT_ARM64",
        // How the host maps and recompiles machine code; tests/run.sh chooses the cheaper ways for processes that live for seconds.
        "DOTNET_EnableWriteXorExecute",
        "DOTNET_TC_CallCountingDelayMs",
    ];

    private static readonly ConcurrentDictionary<Process, bool> Running = new();

    static ProductProgram() =>
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            foreach (var process in Running.Keys)
                Kill(process);
        };

    /// <summary>Path of the executable.</summary>
    public static string Path => BuiltPrograms.Runtime;

    /// <summary>Starts it. Both streams are redirected; the caller reads them.</summary>
    public static Process Start(
        string workingDirectory,
        IEnumerable<string> arguments,
        Action<string?> onOutput,
        Action<string?> onError,
        IReadOnlyDictionary<string, string>? environment = null
    ) => StartCommand(workingDirectory, Path, arguments, onOutput, onError, environment);

    /// <summary>Starts a command that becomes the executable, as <see cref="Start"/>.</summary>
    public static Process StartCommand(
        string workingDirectory,
        string command,
        IEnumerable<string> arguments,
        Action<string?> onOutput,
        Action<string?> onError,
        IReadOnlyDictionary<string, string>? environment = null
    )
    {
        var start = new ProcessStartInfo(command, arguments)
        {
            WorkingDirectory = workingDirectory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Except(KeptVariables).ToList())
            start.Environment.Remove(name);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => onOutput(line.Data);
        process.ErrorDataReceived += (_, line) => onError(line.Data);
        process.Start();
        Running[process] = true;
        Reaper.Note('+', process.Id);
        // Read to the end: a full pipe would stop the product.
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    /// <summary>Runs it to its end: a command, or a start that is to fail.</summary>
    public static Task<ProgramResult> RunAsync(string workingDirectory, params string[] arguments) => RunCommandAsync(workingDirectory, Path, arguments);

    /// <summary>Runs a command that becomes the executable, as <see cref="RunAsync"/>.</summary>
    public static async Task<ProgramResult> RunCommandAsync(string workingDirectory, string command, params string[] arguments)
    {
        var output = new Lines();
        var error = new Lines();
        var process = StartCommand(workingDirectory, command, arguments, output.Add, error.Add);
        try
        {
            await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(RunLimit, TestContext.Current.CancellationToken);
            return new ProgramResult(process.ExitCode, output.ToString(), error.ToString());
        }
        catch (TimeoutException)
        {
            throw new InvalidOperationException(
                $"\"{string.Join(' ', arguments)}\" did not end within {RunLimit.TotalSeconds:0} s. Its output:\n{output}{error}"
            );
        }
        finally
        {
            await EndAsync(process);
        }
    }

    /// <summary>The API key that some output tells of, or null.</summary>
    public static string? FindKey(string output) => KeyLine().Match(output) is { Success: true } match ? match.Groups[1].Value : null;

    /// <summary>Asks a process to stop, as an orchestrator does.</summary>
    public static void Terminate(Process process) => Send(process, Signals.Terminate);

    /// <summary>Ends a process without a chance to do anything more.</summary>
    public static void Kill(Process process) => Send(process, Signals.Kill);

    /// <summary>Stops a process where it is (SIGSTOP): its connections stay, and it does nothing.</summary>
    public static void Freeze(Process process) => Send(process, Signals.Stop);

    /// <summary>Lets a frozen process go on.</summary>
    public static void Resume(Process process) => Send(process, Signals.Continue);

    /// <summary>Makes sure that a process is gone, and forgets it.</summary>
    public static async Task EndAsync(Process process)
    {
        Kill(process);
        await process.WaitForExitAsync(CancellationToken.None);
        Running.TryRemove(process, out _);
        Reaper.Note('-', process.Id);
        process.Dispose();
    }

    private static void Send(Process process, int signal)
    {
        // The id of a process that has ended may be another one's by now.
        if (!process.HasExited)
            Signals.Send(process.Id, signal);
    }

    [GeneratedRegex(@"^API key: (usk_[0-9A-Za-z]{43})$", RegexOptions.Multiline)]
    private static partial Regex KeyLine();
}

/// <summary>How a run ended.</summary>
internal sealed record ProgramResult(int ExitCode, string Output, string Error)
{
    /// <summary>Everything it wrote, for messages.</summary>
    public override string ToString() => $"exit code {ExitCode}\nstdout:\n{Output}\nstderr:\n{Error}";
}

/// <summary>Lines that one thread adds while others read.</summary>
internal sealed class Lines
{
    private readonly List<string> _lines = [];

    public void Add(string? line)
    {
        if (line is null)
            return;
        lock (_lines)
            _lines.Add(line);
    }

    public override string ToString()
    {
        lock (_lines)
            return string.Join('\n', _lines);
    }
}
