using System.Diagnostics;
using System.Text.RegularExpressions;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Product;

/// <summary>The product as its users meet it: a process on a port of its own, over stores that outlive it.</summary>
internal sealed partial class ProductProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(45);

    private readonly bool _ownsStores;
    private readonly IReadOnlyDictionary<string, string> _environment;
    private string[] _settings;
    private Process? _process;
    private TaskCompletionSource<Uri> _listening = new();
    private TaskCompletionSource<string> _key = new();
    private Lines _output = new();
    private string _earlierOutput = "";

    private ProductProcess(ProductStores stores, bool ownsStores, string[] settings, IReadOnlyDictionary<string, string>? environment = null)
    {
        Stores = stores;
        _ownsStores = ownsStores;
        _settings = settings;
        _environment = environment ?? new Dictionary<string, string>();
    }

    /// <summary>Key of the first user.</summary>
    public string ApiKey { get; private set; } = "";

    /// <summary>Talks to the process; follows no redirect, since those are what is tested.</summary>
    public HttpClient Http { get; private set; } = new();

    /// <summary>Where it keeps its data.</summary>
    public ProductStores Stores { get; }

    /// <summary>What the process wrote since its last start.</summary>
    public string Output => _output.ToString();

    /// <summary>What the process wrote in all its lives.</summary>
    public string AllOutput => $"{_earlierOutput}\n{Output}";

    /// <summary>Speaks for the first user.</summary>
    public ApiClient Owner => new(Http, ApiKey);

    /// <summary>Speaks for nobody.</summary>
    public ApiClient Anonymous => new(Http, null);

    /// <summary>Starts a product on new data and waits until it serves.</summary>
    public static Task<ProductProcess> StartAsync(params string[] settings) => StartAsync(new Dictionary<string, string>(), settings);

    /// <summary>Starts a product with the memory of a small pod; see <see cref="SmallPod"/>.</summary>
    public static Task<ProductProcess> StartSmallPodAsync(params string[] settings) => StartAsync(SmallPod.Environment, settings);

    /// <summary>Starts a product on new data, with variables in its environment, and waits until it serves.</summary>
    public static async Task<ProductProcess> StartAsync(IReadOnlyDictionary<string, string> environment, params string[] settings)
    {
        var product = new ProductProcess(await ProductStores.CreateAsync(), true, settings, environment);
        try
        {
            await product.StartAgainAsync();
            return product;
        }
        catch
        {
            await product.DisposeAsync();
            throw;
        }
    }

    /// <summary>Begins a start over given stores. The caller awaits <see cref="WaitUntilReadyAsync"/>.</summary>
    public static ProductProcess Launch(ProductStores stores, params string[] settings)
    {
        var product = new ProductProcess(stores, false, settings);
        product.Launch();
        return product;
    }

    /// <summary>Starts again on the same data, on another port.</summary>
    public async Task StartAgainAsync(params string[] furtherSettings)
    {
        _settings = [.. _settings, .. furtherSettings];
        Launch();
        await WaitUntilReadyAsync();
        if (_ownsStores && ApiKey.Length == 0)
            ApiKey = await OrEndAsync(_key.Task, "print the key of the first user");
    }

    /// <summary>Waits until the process answers that it is ready; throws with its output when it ends instead.</summary>
    public async Task WaitUntilReadyAsync()
    {
        var address = await OrEndAsync(_listening.Task, "listen");
        Http.Dispose();
        Http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, UseCookies = false })
        {
            BaseAddress = address,
            Timeout = TimeSpan.FromSeconds(60),
        };
        await Eventually.ReadAsync(() => Anonymous.GetAsync("/health/ready"), reply => reply.Status == 200, "/health/ready answers 200");
    }

    /// <summary>SIGTERM; fails unless the process ends by itself with exit code 0.</summary>
    public async Task StopAsync()
    {
        var process = _process!;
        ProductProgram.Terminate(process);
        try
        {
            await process.WaitForExitAsync(CancellationToken.None).WaitAsync(StopLimit, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"The product did not stop within {StopLimit.TotalSeconds:0} s of SIGTERM. Its output:\n{Output}");
        }

        Assert.True(process.ExitCode == 0, $"The product ended with exit code {process.ExitCode} after SIGTERM. Its output:\n{Output}");
        await EndAsync();
    }

    /// <summary>SIGTERM, without waiting for the end.</summary>
    public void Terminate() => ProductProgram.Terminate(_process!);

    /// <summary>SIGKILL: what a power cut looks like to the process.</summary>
    public Task KillAsync() => EndAsync();

    /// <summary>Runs an administration command on the same data, while the product serves or not.</summary>
    public Task<ProgramResult> RunCommandAsync(params string[] arguments) =>
        ProductProgram.RunAsync(Stores.Folder, [.. arguments, .. Stores.Settings]);

    /// <summary>Creates a user and returns a client that speaks for them.</summary>
    public async Task<ApiClient> CreateUserAsync(string email, params string[] options)
    {
        var result = await RunCommandAsync(["users", "create", "--email", email, .. options]);
        Assert.True(result.ExitCode == 0, result.ToString());
        return new ApiClient(Http, ReadKey(result));
    }

    /// <summary>The key that a command printed.</summary>
    public static string ReadKey(ProgramResult result)
    {
        var match = KeyLine().Match(result.Output);
        Assert.True(match.Success, $"No key was printed: {result}");
        return match.Groups[1].Value;
    }

    /// <summary>Fails with what the process wrote when it has ended: under an attack it must outlive, an error of a request says less than this.</summary>
    public void AssertIsRunning()
    {
        if (_process is not { HasExited: false })
            Assert.Fail($"The product ended{(_process is null ? "" : $" with exit code {_process.ExitCode}")}. Its output:\n{Output}");
    }

    /// <summary>Waits for the end of a process that ends by itself.</summary>
    public async Task<int> WaitForExitAsync()
    {
        await _process!.WaitForExitAsync(CancellationToken.None).WaitAsync(StartLimit, TestContext.Current.CancellationToken);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        Http.Dispose();
        if (_ownsStores)
            await Stores.DisposeAsync();
    }

    private async Task EndAsync()
    {
        if (_process is null)
            return;
        await ProductProgram.EndAsync(_process);
        _process = null;
    }

    private void Launch()
    {
        _earlierOutput = AllOutput;
        var output = _output = new Lines();
        var listening = _listening = new TaskCompletionSource<Uri>(TaskCreationOptions.RunContinuationsAsynchronously);
        var key = _key = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        // Port 0: the system gives a free one, and no other process can take it in between.
        string[] arguments = ["--urls", "http://127.0.0.1:0", .. Stores.Settings, .. _settings];
        _process = ProductProgram.Start(
            Stores.Folder,
            arguments,
            line =>
            {
                output.Add(line);
                if (line is null)
                    return;
                if (ListeningLine().Match(line) is { Success: true } address)
                    listening.TrySetResult(new Uri(address.Groups[1].Value));
                else if (KeyLine().Match(line) is { Success: true } printed)
                    key.TrySetResult(printed.Groups[1].Value);
            },
            output.Add,
            _environment);
    }

    private async Task<T> OrEndAsync<T>(Task<T> awaited, string what)
    {
        var ended = _process!.WaitForExitAsync(CancellationToken.None);
        var first = await Task.WhenAny(awaited, ended).WaitAsync(StartLimit, TestContext.Current.CancellationToken);
        if (first != awaited)
            throw new InvalidOperationException($"The product ended with exit code {_process.ExitCode} when it was to {what}. Its output:\n{Output}");
        return await awaited;
    }

    [GeneratedRegex(@"Now listening on: (http://127\.0\.0\.1:\d+)")]
    private static partial Regex ListeningLine();

    [GeneratedRegex(@"^API key: (usk_[0-9A-Za-z]{43})$", RegexOptions.Multiline)]
    private static partial Regex KeyLine();
}
