namespace UrlShortener.Chaos.Tests.Product;

/// <summary>One process of the product, with settings of its own and a name that it has in histories.</summary>
internal sealed class Pod : IAsyncDisposable
{
    private static readonly TimeSpan RequestLimit = TimeSpan.FromMinutes(2);

    private readonly TestFolder _folder = new();
    private readonly RunningProduct _running;

    private Pod(string name, IReadOnlyList<string> command, IEnumerable<string> settings)
    {
        Name = name;
        _running = new RunningProduct(name, _folder.FullName, settings, command);
    }

    /// <summary>The name that it has in histories.</summary>
    public string Name { get; }

    /// <summary>Talks to the process; follows no redirect, since those are what is tested.</summary>
    public HttpClient Http => _running.Http;

    /// <summary>What the process wrote.</summary>
    public string Output => _running.Output;

    /// <summary>Speaks for nobody.</summary>
    public ApiClient Anonymous => _running.Anonymous;

    /// <summary>Starts a process and waits until it serves.</summary>
    public static Task<Pod> StartAsync(string name, IEnumerable<string> settings) => StartAsync(name, [ProductProgram.Path], settings);

    /// <summary>Starts a command that becomes the product when the settings are added to it, and waits until it serves.</summary>
    public static async Task<Pod> StartAsync(string name, IReadOnlyList<string> command, IEnumerable<string> settings)
    {
        var pod = new Pod(name, command, settings);
        try
        {
            await pod._running.WaitUntilReadyAsync(RequestLimit);
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
    public Task<string> ReadFirstKeyAsync() => _running.ReadFirstKeyAsync();

    /// <summary>Reads the sum of a metric's series; 0 when there are none.</summary>
    public async Task<double> ReadMetricAsync(string name)
    {
        var metrics = await Anonymous.GetAsync("/metrics");
        return metrics
            .Text.Split('\n')
            .Where(line => line.StartsWith(name + "{", StringComparison.Ordinal))
            .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <summary>SIGTERM; fails unless the process ends by itself with exit code 0.</summary>
    public Task StopAsync() => _running.StopAsync();

    /// <summary>Processor time that the process has used.</summary>
    public TimeSpan ProcessorTime => _running.ProcessorTime;

    /// <summary>SIGSTOP: it does nothing until <see cref="Resume"/>.</summary>
    public void Freeze() => _running.Freeze();

    /// <summary>SIGCONT.</summary>
    public void Resume() => _running.Resume();

    /// <summary>SIGKILL.</summary>
    public Task KillAsync() => _running.KillAsync();

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _running.DisposeAsync();
        _folder.Dispose();
    }
}
