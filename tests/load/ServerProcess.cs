using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.Load;

/// <summary>A web server started for the run: its address, its use of the machine, and its orderly end.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private const int OutputLinesKept = 40;
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly string _name;

    /// <summary>The newest lines of stdout and stderr, for the message when the server fails. Guarded by itself.</summary>
    private readonly Queue<string> _output = new();
    private readonly TaskCompletionSource<string>? _awaitedLine;

    private ServerProcess(Process process, string name, Uri address, string? awaitedPrefix)
    {
        _process = process;
        _name = name;
        _awaitedLine = awaitedPrefix is null ? null : new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        // A redirect is the answer under test, never something to follow.
        Client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false }) { BaseAddress = address };

        void Keep(string? line)
        {
            if (line is null)
                return;
            if (awaitedPrefix is not null && line.StartsWith(awaitedPrefix, StringComparison.Ordinal))
                _awaitedLine!.TrySetResult(line[awaitedPrefix.Length..].Trim());
            lock (_output)
            {
                _output.Enqueue(line);
                if (_output.Count > OutputLinesKept)
                    _output.Dequeue();
            }
        }

        // Both streams are read to the end: a full pipe would stop the server.
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
    }

    public HttpClient Client { get; }

    public Uri Address => Client.BaseAddress!;

    /// <summary>From just before the process was started to the first ready answer.</summary>
    public TimeSpan StartUp { get; private set; }

    /// <summary>User and system time used so far.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Starts <paramref name="executable"/> on a free loopback port and waits until <paramref name="readyPath"/> answers
    /// <paramref name="readyStatus"/>. <see cref="WaitForLineAsync"/> returns the rest of the output line that starts with
    /// <paramref name="awaitedPrefix"/>.</summary>
    public static Task<ServerProcess> StartAsync(
        string executable,
        IEnumerable<string> arguments,
        string readyPath,
        HttpStatusCode readyStatus,
        string? awaitedPrefix,
        CancellationToken cancellationToken,
        params (string Name, string Value)[] environment
    )
    {
        var address = new Uri($"http://127.0.0.1:{FindFreePort().ToString(CultureInfo.InvariantCulture)}");
        return StartAsync(
            executable,
            ["--urls", address.ToString().TrimEnd('/'), .. arguments],
            address,
            readyPath,
            readyStatus,
            awaitedPrefix,
            cancellationToken,
            environment
        );
    }

    /// <summary>As the other one, for a program that takes its address in another way, from its environment as well.</summary>
    public static async Task<ServerProcess> StartAsync(
        string executable,
        IEnumerable<string> arguments,
        Uri address,
        string readyPath,
        HttpStatusCode readyStatus,
        string? awaitedPrefix,
        CancellationToken cancellationToken,
        params (string Name, string Value)[] environment
    )
    {
        var start = new ProcessStartInfo(executable, arguments)
        {
            // appsettings.json is read from the working directory; the one beside the executable is the one that ships.
            WorkingDirectory = Path.GetDirectoryName(executable)!,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["ASPNETCORE_ENVIRONMENT"] = "Production" },
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        var process = new Process { StartInfo = start };
        var server = new ServerProcess(process, Path.GetFileName(executable), address, awaitedPrefix);
        try
        {
            var started = Stopwatch.GetTimestamp();
            process.Start();
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            await server.WaitUntilReadyAsync(readyPath, readyStatus, started, cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async Task<string> WaitForLineAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _awaitedLine!.Task.WaitAsync(StartLimit, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw Failure("did not print the line awaited from it");
        }
    }

    private string ProcFolder => $"/proc/{_process.Id.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>A field of /proc/PID/status given there in kB, in bytes.</summary>
    public long ReadMemory(string field) => 1024 * long.Parse(ReadStatus(field).Split(' ')[0], CultureInfo.InvariantCulture);

    /// <summary>Threads of the process.</summary>
    public int CountThreads() => int.Parse(ReadStatus("Threads"), CultureInfo.InvariantCulture);

    /// <summary>Open files and sockets of the process.</summary>
    public int CountHandles() => Directory.EnumerateFileSystemEntries($"{ProcFolder}/fd").Count();

    /// <summary>Asks the server to stop, as an orchestrator would, and fails unless it ends cleanly.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        Signals.Send(_process.Id, Signals.Terminate);
        try
        {
            await _process.WaitForExitAsync(cancellationToken).WaitAsync(StopLimit, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw Failure($"did not stop within {StopLimit.TotalSeconds:0} s of SIGTERM");
        }

        if (_process.ExitCode != 0)
            throw Failure("did not stop cleanly");
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        try
        {
            if (!_process.HasExited)
            {
                _process.Kill(entireProcessTree: true);
                await _process.WaitForExitAsync(CancellationToken.None);
            }
        }
        catch (InvalidOperationException)
        {
            // It was never started: there is nothing to end.
        }

        _process.Dispose();
    }

    /// <summary>A port on which nothing listens right now.</summary>
    public static int FindFreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task WaitUntilReadyAsync(string path, HttpStatusCode status, long started, CancellationToken cancellationToken)
    {
        while (Stopwatch.GetElapsedTime(started) < StartLimit)
        {
            try
            {
                using var response = await Client.GetAsync(path, cancellationToken);
                if (response.StatusCode == status)
                {
                    StartUp = Stopwatch.GetElapsedTime(started);
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }

            if (_process.HasExited)
                throw Failure("ended while starting");
            await Task.Delay(PollInterval, cancellationToken);
        }

        throw Failure($"did not answer {(int)status} at {path} within {StartLimit.TotalSeconds:0} s");
    }

    private string ReadStatus(string field) =>
        File.ReadLines($"{ProcFolder}/status").First(line => line.StartsWith(field + ":", StringComparison.Ordinal)).Split(':', 2)[1].Trim();

    private LoadException Failure(string what)
    {
        var exit = _process.HasExited ? string.Create(CultureInfo.InvariantCulture, $" (exit code {_process.ExitCode})") : "";
        lock (_output)
            return new LoadException($"{_name} {what}{exit}. Its last output:\n{string.Join('\n', _output)}");
    }
}
