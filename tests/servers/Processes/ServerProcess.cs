using System.Diagnostics;
using System.Globalization;

namespace UrlShortener.TestServers.Processes;

/// <summary>
/// A server of this machine as a child process that cannot outlive this one. A shell holds the other end of a pipe of ours and kills the server when the
/// pipe closes, however this process ended.
/// </summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    /// <summary>
    /// $1 is the log, the rest the command. `read` returns when the pipe closes. Children and theirs are killed as well: a PostgreSQL process that is
    /// stopped would not notice the end of its postmaster. Each is stopped first, so that it makes no more of them. The watcher ends with the server, so it
    /// never signals a number that was given out again.
    /// </summary>
    private const string Wrapper = """
        log=$1; shift
        tree() { kill -STOP $1; for child in $(cat /proc/$1/task/*/children); do tree $child; done; echo $1; }
        exec 3<&0 2>/dev/null
        "$@" </dev/null >>"$log" 2>&1 3<&- & server=$!
        { read -r _ <&3; kill -KILL $(tree $server); } >/dev/null & watcher=$!
        echo $server
        wait $server; code=$?
        kill $watcher
        exit $code
        """;

    private const int LogCharacters = 3000;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly Process _shell;
    private readonly string _name;
    private readonly string _logPath;

    private ServerProcess(Process shell, string name, string logPath)
    {
        _shell = shell;
        _name = name;
        _logPath = logPath;
    }

    /// <summary>Number of the server's own process.</summary>
    public int Id { get; private set; }

    /// <summary>Whether the process has not ended.</summary>
    public bool IsRunning
    {
        get
        {
            try
            {
                return !_shell.HasExited;
            }
            catch (InvalidOperationException)
            {
                // Its owner has let go of it, while another one looks.
                return false;
            }
        }
    }

    /// <summary>The exit code, when the process has ended; that of a process which a signal ended is 128 and the signal's number.</summary>
    public int ExitCode => _shell.ExitCode;

    /// <summary>Whether the process was stopped by <see cref="FreezeAsync"/>.</summary>
    public bool IsFrozen { get; private set; }

    /// <summary>Starts a command in <paramref name="folder"/>. What it writes is appended to the log.</summary>
    public static Task<ServerProcess> StartAsync(
        string name,
        IEnumerable<string> command,
        string folder,
        string logPath,
        CancellationToken cancellationToken
    ) => StartAsync(name, command, folder, logPath, null, cancellationToken);

    /// <summary>As the other one, with <paramref name="environment"/> in the place of this process' own when it is not null.</summary>
    public static async Task<ServerProcess> StartAsync(
        string name,
        IEnumerable<string> command,
        string folder,
        string logPath,
        IReadOnlyDictionary<string, string>? environment,
        CancellationToken cancellationToken
    )
    {
        cancellationToken.ThrowIfCancellationRequested();
        // In a session of its own: who kills this process with its whole group must not kill the watcher too, and leave the server's children, which have
        // groups of their own.
        var start = new ProcessStartInfo("setsid", ["/bin/sh", "-c", Wrapper, "sh", logPath, .. command])
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        if (environment is not null)
        {
            start.Environment.Clear();
            foreach (var (variable, value) in environment)
                start.Environment[variable] = value;
        }

        // Read before it is written, too.
        await File.AppendAllTextAsync(logPath, "", cancellationToken);
        var server = new ServerProcess(Process.Start(start)!, name, logPath);
        try
        {
            var line = await server._shell.StandardOutput.ReadLineAsync(cancellationToken).AsTask().WaitAsync(Limit, cancellationToken);
            server.Id = int.Parse(line ?? throw new InvalidOperationException($"The shell that was to start {name} ended."), CultureInfo.InvariantCulture);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until the server answers, as <see cref="Poll.UntilAsync"/> does, and fails with its log when it ends instead.</summary>
    public async Task WaitUntilReadyAsync(Func<CancellationToken, Task<string?>> findMissing, CancellationToken cancellationToken)
    {
        try
        {
            await Poll.UntilAsync(
                $"{_name} answers",
                TimeSpan.FromMinutes(5),
                token =>
                    IsRunning
                        ? findMissing(token)
                        : throw new InvalidOperationException($"{_name} ended with exit code {_shell.ExitCode}. Its log:\n{ReadLog()}"),
                cancellationToken
            );
        }
        catch (TimeoutException late)
        {
            throw new TimeoutException($"{late.Message}\nIts log:\n{ReadLog()}", late);
        }
    }

    /// <summary>Sends a signal to the server's own process.</summary>
    public void Signal(int signal)
    {
        if (IsRunning)
            Signals.Send(Id, signal);
    }

    /// <summary>Stops the process and its children where they are: their connections stay and nothing answers. Returns when all of them stand still.</summary>
    public async Task FreezeAsync(CancellationToken cancellationToken)
    {
        IsFrozen = true;
        await StopAsync(Id, cancellationToken);
        // The parent stands still, so there are no new ones.
        foreach (var child in ProcFiles.ReadChildren(Id))
            await StopAsync(child, cancellationToken);
    }

    /// <summary>Lets a frozen process and its children go on.</summary>
    public void Resume()
    {
        if (!IsRunning)
            return;
        foreach (var child in ProcFiles.ReadChildren(Id))
            Signals.Send(child, Signals.Continue);
        Signal(Signals.Continue);
        IsFrozen = false;
    }

    /// <summary>Kills the process and its children at once, frozen or not. Returns when all of them are gone.</summary>
    public async Task KillAsync(CancellationToken cancellationToken)
    {
        if (IsRunning)
        {
            await StopAsync(Id, cancellationToken);
            var children = ProcFiles.ReadChildren(Id);
            foreach (var child in children)
                Signals.Send(child, Signals.Kill);
            Signal(Signals.Kill);
            await WaitForEndAsync(cancellationToken);
            await Poll.UntilAsync(
                $"the processes of {_name} are gone",
                Limit,
                _ => Task.FromResult(children.Any(ProcFiles.IsAlive) ? "some live" : null),
                cancellationToken
            );
        }
    }

    /// <summary>Asks the process to end and waits until it did; kills it when it does not within two minutes.</summary>
    /// <returns>Whether it ended by itself.</returns>
    public async Task<bool> EndAsync(int signal, CancellationToken cancellationToken)
    {
        if (IsFrozen)
            Resume();
        Signal(signal);
        try
        {
            await WaitForEndAsync(cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            await KillAsync(cancellationToken);
            return false;
        }
    }

    /// <summary>Waits until the process has ended, however long that takes.</summary>
    public Task WaitUntilEndedAsync(CancellationToken cancellationToken) => _shell.WaitForExitAsync(cancellationToken);

    /// <summary>The end of what the server wrote.</summary>
    public string ReadLog()
    {
        using var stream = new FileStream(_logPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        stream.Position = Math.Max(0, stream.Length - LogCharacters);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>Kills the server, if it still runs.</summary>
    public async ValueTask DisposeAsync()
    {
        // The shell's watcher kills the server.
        _shell.StandardInput.Close();
        var end = _shell.WaitForExitAsync(CancellationToken.None);
        try
        {
            // On a busy machine, .NET was seen not to notice the end of a shell that was gone.
            await Poll.UntilAsync(
                $"{_name} is gone",
                Limit,
                _ => Task.FromResult(end.IsCompleted || !ProcFiles.IsAlive(_shell.Id) ? null : "it runs"),
                CancellationToken.None
            );
        }
        catch (TimeoutException late)
        {
            throw new TimeoutException($"{_name} was not gone within {Limit.TotalSeconds:0} s. Its processes:\n{ProcFiles.DescribeTree(_shell.Id)}", late);
        }

        _shell.Dispose();
    }

    private static async Task StopAsync(int processId, CancellationToken cancellationToken)
    {
        Signals.Send(processId, Signals.Stop);
        await Poll.UntilAsync(
            $"process {processId} stands still",
            Limit,
            _ => Task.FromResult(ProcFiles.IsStill(processId) ? null : "it runs"),
            cancellationToken
        );
    }

    private Task WaitForEndAsync(CancellationToken cancellationToken) => _shell.WaitForExitAsync(cancellationToken).WaitAsync(Limit, cancellationToken);
}
