using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace UrlShortener.TestHarness.Product;

/// <summary>One process of the product, on a port of loopback that the system chose, from its start to its end.</summary>
internal sealed partial class RunningProduct : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan StopLimit = TimeSpan.FromMinutes(5);

    private const string ManagementPort = "--Management:Port=";

    private readonly string _name;
    private readonly int? _managementPort;
    private readonly Lines _output = new();
    private readonly Process _process;
    private readonly TaskCompletionSource<Uri> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> _key = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isGone;

    /// <summary>Starts it. The caller awaits <see cref="WaitUntilReadyAsync"/>.</summary>
    /// <param name="name">Its name in messages.</param>
    /// <param name="folder">Its working directory.</param>
    /// <param name="settings">Its settings, as arguments.</param>
    /// <param name="command">A command that becomes the product when the settings are added to it; null: the product itself.</param>
    /// <param name="environment">Variables to add to its environment.</param>
    public RunningProduct(
        string name,
        string folder,
        IEnumerable<string> settings,
        IReadOnlyList<string>? command = null,
        IReadOnlyDictionary<string, string>? environment = null
    )
    {
        _name = name;
        settings = [.. settings];
        if (settings.LastOrDefault(setting => setting.StartsWith(ManagementPort, StringComparison.Ordinal)) is { } port)
            _managementPort = int.Parse(port[ManagementPort.Length..], CultureInfo.InvariantCulture);
        command ??= [ProductProgram.Path];
        // Port 0: the system gives a free one, and no other process can take it in between.
        string[] arguments = [.. command.Skip(1), "--urls", "http://127.0.0.1:0", .. settings];
        _process = ProductProgram.StartCommand(folder, command[0], arguments, Read, _output.Add, environment);
    }

    /// <summary>Talks to the process; follows no redirect, since those are what is tested.</summary>
    public HttpClient Http { get; private set; } = new();

    /// <summary>What the process wrote.</summary>
    public string Output => _output.ToString();

    /// <summary>Speaks for nobody.</summary>
    public ApiClient Anonymous => new(Http, null);

    /// <summary>The exit code; null while the process runs.</summary>
    public int? ExitCode => _isGone || !_process.HasExited ? null : _process.ExitCode;

    /// <summary>Whether the process has not ended.</summary>
    public bool IsRunning => !_isGone && !_process.HasExited;

    /// <summary>Waits until the process answers that it is ready; throws with its output when it ends instead.</summary>
    /// <param name="requestLimit">How long each request may take from then on.</param>
    public async Task WaitUntilReadyAsync(TimeSpan requestLimit)
    {
        var address = await OrEndAsync(_listening.Task, "listen");
        Http.Dispose();
        Http = new HttpClient(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseProxy = false,
                UseCookies = false,
            }
        )
        {
            BaseAddress = address,
            Timeout = requestLimit,
        };
        var ready = new UriBuilder(address) { Port = _managementPort ?? address.Port, Path = "/health/ready" }
            .Uri
            .AbsoluteUri;
        await Eventually.ReadAsync(() => Anonymous.GetAsync(ready), reply => reply.Status == 200, $"/health/ready of {_name} answers 200");
    }

    /// <summary>The key of the first user, which the process prints when it has made them.</summary>
    public Task<string> ReadFirstKeyAsync() => OrEndAsync(_key.Task, "print the key of the first user");

    /// <summary>SIGTERM, without waiting for the end.</summary>
    public void Terminate() => ProductProgram.Terminate(_process);

    /// <summary>SIGTERM; fails unless the process ends by itself with exit code 0.</summary>
    public async Task StopAsync()
    {
        Terminate();
        try
        {
            await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(StopLimit, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"{_name} did not stop within {StopLimit.TotalSeconds:0} s of SIGTERM. Its output:\n{Output}");
        }

        Assert.True(_process.ExitCode == 0, $"{_name} ended with exit code {_process.ExitCode} after SIGTERM. Its output:\n{Output}");
        await KillAsync();
    }

    /// <summary>Waits for the end of a process that ends by itself.</summary>
    public async Task<int> WaitForExitAsync()
    {
        await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(StartLimit, TestContext.Current.CancellationToken);
        return _process.ExitCode;
    }

    /// <summary>Processor time that the process has used.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>SIGSTOP: it does nothing until <see cref="Resume"/>.</summary>
    public void Freeze() => ProductProgram.Freeze(_process);

    /// <summary>SIGCONT.</summary>
    public void Resume() => ProductProgram.Resume(_process);

    /// <summary>SIGKILL, unless it has ended: what a power cut looks like to the process.</summary>
    public async Task KillAsync()
    {
        if (_isGone)
            return;
        _isGone = true;
        await ProductProgram.EndAsync(_process);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Http.Dispose();
    }

    private void Read(string? line)
    {
        _output.Add(line);
        if (line is null)
            return;
        if (ListeningLine().Match(line) is { Success: true } address)
            _listening.TrySetResult(new Uri(address.Groups[1].Value));
        else if (ProductProgram.FindKey(line) is { } key)
            _key.TrySetResult(key);
    }

    private async Task<T> OrEndAsync<T>(Task<T> awaited, string what)
    {
        var ended = _process.WaitForExitAsync(CancellationToken.None);
        var first = await Task.WhenAny(awaited, ended).WaitAsync(StartLimit, TestContext.Current.CancellationToken);
        if (first != awaited)
            throw new InvalidOperationException($"{_name} ended with exit code {_process.ExitCode} when it was to {what}. Its output:\n{Output}");
        return await awaited;
    }

    [GeneratedRegex(@"Now listening on: (http://127\.0\.0\.1:\d+)")]
    private static partial Regex ListeningLine();
}
