using UrlShortener.Chaos.Tests.Histories;
using UrlShortener.Chaos.Tests.Traffic;
using UrlShortener.TestServers;
using UrlShortener.TestServers.Postgres;
using UrlShortener.TestServers.Redis;
using Xunit;

// A case stops and starves servers; what another one measures meanwhile would mean nothing.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace UrlShortener.Chaos.Tests.Product;

/// <summary>A case with an installation of its own, whose processes tell what they wrote when it fails.</summary>
public abstract class ChaosTest : IAsyncLifetime
{
    /// <summary>
    /// How long after the acknowledgement of a change a visitor may still be sent to the old target: the promised second plus the lag of a replica, which
    /// here, on a machine that is busy with everything at once, stays below another second.
    /// </summary>
    private protected static readonly TimeSpan StaleBound = TimeSpan.FromSeconds(2);

    /// <summary>Limits for tests of other servers: on a busy machine a database that is well must not look ill.</summary>
    private protected static readonly string[] PatientWithDatabase =
    [
        "--Postgres:ConnectTimeout=00:00:20",
        "--Postgres:ReadTimeout=00:00:20",
        "--Postgres:WriteTimeout=00:00:20",
        "--Postgres:QueryTimeout=00:00:20",
    ];

    private readonly List<Installation> _installations = [];

    /// <summary>A cluster for tests without a failover of it: it stays as it is on a busy machine.</summary>
    private protected static RedisClusterOptions PatientRedis => new() { Patience = TimeSpan.FromSeconds(30) };

    private protected static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (var installation in _installations)
        {
            if (TestContext.Current.TestState?.Result == TestResult.Failed)
                installation.Pods.ToList().ForEach(pod => Write($"Output of {pod.Name}, its end:\n{End(pod.Output)}"));
            await installation.DisposeAsync();
        }
    }

    /// <summary>Starts servers, without the product. Skips the test, and says why, where they cannot be had.</summary>
    private protected async Task<Installation> InstallAsync(PostgresClusterOptions postgres, RedisClusterOptions? redis, params string[] settings)
    {
        var database = await OrSkipAsync(() => PostgresCluster.StartAsync(postgres, Token));
        RedisCluster? cluster = null;
        try
        {
            cluster = redis is null ? null : await OrSkipAsync(() => RedisCluster.StartAsync(redis, Token));
            var installation = await Installation.CreateAsync(database, cluster, settings, Token);
            _installations.Add(installation);
            return installation;
        }
        catch
        {
            if (cluster is not null)
                await cluster.DisposeAsync();
            await database.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits for what becomes true by itself.</summary>
    private protected static async Task UntilAsync(Func<bool> isTrue, string what) =>
        await Eventually.ReadAsync(() => Task.FromResult(isTrue()), value => value, what);

    /// <summary>Begins to load the pods of an installation.</summary>
    private protected static Load StartLoad(Installation installation, IReadOnlyList<Pod> pods, LoadOptions options) =>
        Load.Start(installation.History, pods, installation.ApiKey, options, Token);

    /// <summary>Writes a line into the test's output.</summary>
    private protected static void Write(string line) => TestContext.Current.TestOutputHelper?.WriteLine(line);

    /// <summary>Writes figures into the test's output, and into a file of the checkout's .artifacts.</summary>
    private protected static async Task ReportAsync(string name, params IEnumerable<string> lines)
    {
        var text = string.Join('\n', lines);
        Write(text);
        var folder = Directory.CreateDirectory(Checkout.PathOf(".artifacts", "chaos"));
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, name + ".txt"), text + "\n", Token);
    }

    /// <summary>Fails when one of some operations was not answered, or by an error of the server; tells how many there were otherwise.</summary>
    private protected static void AssertAllAnswered(string what, IReadOnlyList<Operation> operations)
    {
        var failed = operations.Where(operation => operation.IsUncertain).ToList();
        Assert.True(failed.Count == 0, $"{failed.Count} of {operations.Count} {what} failed:\n{string.Join('\n', failed.Take(20))}");
        Assert.NotEmpty(operations);
        Write($"{operations.Count} {what}, none failed; slowest {operations.Max(operation => operation.Duration).TotalMilliseconds:0} ms");
    }

    private protected static async Task<T> OrSkipAsync<T>(Func<Task<T>> startAsync)
    {
        try
        {
            return await startAsync();
        }
        catch (ServerUnavailableException error)
        {
            Assert.Skip(error.Message);
            throw;
        }
    }

    private static string End(string output) => output.Length <= 20_000 ? output : output[^20_000..];
}
