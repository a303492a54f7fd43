using System.Diagnostics;
using System.Text.RegularExpressions;
using Xunit;

namespace UrlShortener.Chaos.Tests.Product;

/// <summary>One process of the product, with settings of its own, on a port that the system chose.</summary>
internal sealed partial class Pod : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(45);
    private static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(30);

    private readonly TestFolder _folder = new();
    private readonly Lines _output = new();
    private readonly Process _process;
    private readonly TaskCompletionSource<Uri> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> _key = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isGone;

    private Pod(string name, IReadOnlyList<string> command, IEnumerable<string> settings)
    {
        Name = name;
        string[] arguments = [.. command.Skip(1), "--urls", "http://127.0.0.1:0", .. settings];
        _process = ProductProgram.StartCommand(_folder.FullName, command[0], arguments, Read, _output.Add);
    }

    /// <summary>The name that it has in histories.</summary>
    public string Name { get; }

    /// <summary>Talks to the process; follows no redirect, since those are what is tested.</summary>
    public HttpClient Http { get; private set; } = new();

    /// <summary>What the process wrote.</summary>
    public string Output => _output.ToString();

    /// <summary>Speaks for nobody.</summary>
    public ApiClient Anonymous => new(Http, null);

    /// <summary>Starts a process and waits until it serves.</summary>
    public static Task<Pod> StartAsync(string name, IEnumerable<string> settings) => StartAsync(name, [ProductProgram.Path], settings);

    /// <summary>Starts a command that becomes the product when the settings are added to it, and waits until it serves.</summary>
    public static async Task<Pod> StartAsync(string name, IReadOnlyList<string> command, IEnumerable<string> settings)
    {
        var pod = new Pod(name, command, settings);
        try
        {
            await pod.WaitUntilReadyAsync();
            return pod;
        }
        catch
        {
            await pod.DisposeAsync();
            throw;
        }
    }

    /// <summary>Speaks for a user.</summary>
    public ApiClient As(string apiKey) => new(Http, apiKey);

    /// <summary>The key of the first user, which the process prints when it made them.</summary>
    public Task<string> ReadFirstKeyAsync() => OrEndAsync(_key.Task, "print the key of the first user");

    /// <summary>Reads a metric; 0 when it is not there.</summary>
    public async Task<double> ReadMetricAsync(string series)
    {
        var metrics = await Anonymous.GetAsync("/metrics");
        var line = metrics.Text.Split('\n').FirstOrDefault(line => line.StartsWith(series + " ", StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line[(series.Length + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>SIGTERM; fails unless the process ends by itself with exit code 0.</summary>
    public async Task StopAsync()
    {
        ProductProgram.Terminate(_process);
        try
        {
            await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(StopLimit, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"{Name} did not stop within {StopLimit.TotalSeconds:0} s of SIGTERM. Its output:\n{Output}");
        }

        Assert.True(_process.ExitCode == 0, $"{Name} ended with exit code {_process.ExitCode} after SIGTERM. Its output:\n{Output}");
        await EndAsync();
    }

    /// <summary>SIGKILL.</summary>
    public Task KillAsync() => EndAsync();

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        Http.Dispose();
        _folder.Dispose();
    }

    private async Task WaitUntilReadyAsync()
    {
        var address = await OrEndAsync(_listening.Task, "listen");
        Http.Dispose();
        Http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, UseCookies = false })
        {
            BaseAddress = address,
            Timeout = RequestLimit,
        };
        await Eventually.ReadAsync(() => Anonymous.GetAsync("/health/ready"), reply => reply.Status == 200, $"/health/ready of {Name} answers 200");
    }

    private async Task EndAsync()
    {
        if (_isGone)
            return;
        _isGone = true;
        await ProductProgram.EndAsync(_process);
    }

    private void Read(string? line)
    {
        _output.Add(line);
        if (line is null)
            return;
        if (ListeningLine().Match(line) is { Success: true } address)
            _listening.TrySetResult(new Uri(address.Groups[1].Value));
        else if (KeyLine().Match(line) is { Success: true } printed)
            _key.TrySetResult(printed.Groups[1].Value);
    }

    private async Task<T> OrEndAsync<T>(Task<T> awaited, string what)
    {
        var ended = _process.WaitForExitAsync(CancellationToken.None);
        var first = await Task.WhenAny(awaited, ended).WaitAsync(StartLimit, TestContext.Current.CancellationToken);
        if (first != awaited)
            throw new InvalidOperationException($"{Name} ended with exit code {_process.ExitCode} when it was to {what}. Its output:\n{Output}");
        return await awaited;
    }

    [GeneratedRegex(@"Now listening on: (http://127\.0\.0\.1:\d+)")]
    private static partial Regex ListeningLine();

    [GeneratedRegex(@"^API key: (usk_[0-9A-Za-z]{43})$")]
    private static partial Regex KeyLine();
}
