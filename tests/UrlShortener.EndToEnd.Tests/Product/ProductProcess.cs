using System.Security.Cryptography;
using System.Text;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Product;

/// <summary>The product as its users meet it: a process on a port of its own, over stores that outlive it.</summary>
internal sealed class ProductProcess : IAsyncDisposable
{
    // Of the tier, out of the box.
    private const int FreeRateLimit = 100;

    private static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(60);

    private readonly bool _ownsStores;
    private readonly IReadOnlyDictionary<string, string> _environment;
    private string[] _settings;
    private RunningProduct? _running;
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
    public HttpClient Http => Running.Http;

    /// <summary>Where it keeps its data.</summary>
    public ProductStores Stores { get; }

    private RunningProduct Running => _running ?? throw new InvalidOperationException("The product is not started.");

    /// <summary>What the process wrote since its last start.</summary>
    public string Output => _running?.Output ?? "";

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
            ApiKey = await Running.ReadFirstKeyAsync();
    }

    /// <summary>Waits until the process answers that it is ready; throws with its output when it ends instead.</summary>
    public Task WaitUntilReadyAsync() => Running.WaitUntilReadyAsync(RequestLimit);

    /// <summary>SIGTERM; fails unless the process ends by itself with exit code 0.</summary>
    public Task StopAsync() => Running.StopAsync();

    /// <summary>SIGTERM, without waiting for the end.</summary>
    public void Terminate() => Running.Terminate();

    /// <summary>SIGKILL: what a power cut looks like to the process.</summary>
    public Task KillAsync() => Running.KillAsync();

    /// <summary>Runs an administration command on the same data, while the product serves or not.</summary>
    public Task<ProgramResult> RunCommandAsync(params string[] arguments) => ProductProgram.RunAsync(Stores.Folder, [.. arguments, .. Stores.Settings]);

    /// <summary>
    /// Creates a user of the tier free in the stores, as <c>users create</c> does, and returns a client that speaks for them. It saves a process; the tests of the
    /// command use <see cref="CreateUserByCommandAsync"/>.
    /// </summary>
    /// <param name="email">Their address, in lower case.</param>
    /// <param name="rateLimit">Requests per minute; null: those of the tier.</param>
    /// <param name="quota">Bytes of links; null: those of the tier.</param>
    public async Task<ApiClient> CreateUserAsync(string email, int? rateLimit = null, long? quota = null)
    {
        var key = $"usk_{RandomNumberGenerator.GetHexString(43, lowercase: true)}";
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
        await Stores.AddUserAsync(email, hash, rateLimit ?? FreeRateLimit, quota);
        return new ApiClient(Http, key);
    }

    /// <summary>Creates a user by the command, and returns a client that speaks for them.</summary>
    public async Task<ApiClient> CreateUserByCommandAsync(string email, params string[] options)
    {
        var result = await RunCommandAsync(["users", "create", "--email", email, .. options]);
        Assert.True(result.ExitCode == 0, result.ToString());
        return new ApiClient(Http, ReadKey(result));
    }

    /// <summary>The key that a command printed.</summary>
    public static string ReadKey(ProgramResult result)
    {
        var key = ProductProgram.FindKey(result.Output);
        Assert.True(key is not null, $"No key was printed: {result}");
        return key;
    }

    /// <summary>Fails with what the process wrote when it has ended: under an attack it must outlive, an error of a request says less than this.</summary>
    public void AssertIsRunning()
    {
        if (!Running.IsRunning)
            Assert.Fail($"The product ended{(Running.ExitCode is { } code ? $" with exit code {code}" : "")}. Its output:\n{Output}");
    }

    /// <summary>Waits for the end of a process that ends by itself.</summary>
    public Task<int> WaitForExitAsync() => Running.WaitForExitAsync();

    public async ValueTask DisposeAsync()
    {
        if (_running is not null)
            await _running.DisposeAsync();
        if (_ownsStores)
            await Stores.DisposeAsync();
    }

    private void Launch()
    {
        _earlierOutput = AllOutput;
        _running = new RunningProduct(
            "The product",
            Stores.Folder,
            [.. Stores.Settings, .. ProductStores.PoolSettings, .. _settings],
            environment: _environment
        );
    }
}
