using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Servers.Tests.Pods;

/// <summary>Makes regions.</summary>
internal static class Regions
{
    /// <summary>The secret of the key generation service.</summary>
    public const string KgsToken = "an-end-to-end-secret-of-40-characters-00";

    // Once for all regions: two processes fewer for each.
    private static readonly Lazy<Task<PreparedDatabase>> Prepared = new(() => Task.Run(PrepareAsync));

    /// <summary>Stores that are migrated and have one user.</summary>
    public static async Task<ProductStores> CreateStoresAsync(bool isRedisGated = false) =>
        await ProductStores.CreateAsync(isRedisGated, (await Prepared.Value).Database);

    /// <summary>Two app processes and a key generation service that has filled its pool and theirs.</summary>
    /// <param name="stores">Stores of <see cref="CreateStoresAsync"/>.</param>
    /// <param name="own">Takes care of the processes.</param>
    /// <param name="settings">Settings of all processes.</param>
    public static async Task<Region> StartAsync(ProductStores stores, Func<ProductProcess, ProductProcess> own, params string[] settings)
    {
        string[] all = ["--Postgres:MigrateOnStart=false", .. settings];
        var kgs = own(ProductProcess.Launch(stores, ["--Role=kgs", $"--Kgs:Token={KgsToken}", .. all]));
        var a = own(ProductProcess.Launch(stores, ["--Role=app", .. all]));
        var b = own(ProductProcess.Launch(stores, ["--Role=app", .. all]));
        foreach (var process in new[] { kgs, a, b })
            await process.WaitUntilReadyAsync();
        var region = new Region(stores, kgs, a, b, (await Prepared.Value).ApiKey);
        await region.WaitUntilFilledAsync();
        return region;
    }

    private static async Task<PreparedDatabase> PrepareAsync()
    {
        await using var stores = await ProductStores.CreateAsync();
        var migrated = await ProductProgram.RunAsync(stores.Folder, ["migrate", .. stores.Settings]);
        Assert.True(migrated.ExitCode == 0, migrated.ToString());
        string[] create = ["users", "create", "--email", "pods@example.com", "--tier", "enterprise", "--rate-limit", "1000000"];
        var created = await ProductProgram.RunAsync(stores.Folder, [.. create, .. stores.Settings]);
        Assert.True(created.ExitCode == 0, created.ToString());
        var database = $"{stores.Database}_pods";
        await stores.Servers.Postgres.CreateDatabaseAsync(database, stores.Database, CancellationToken.None);
        return new PreparedDatabase(database, ProductProcess.ReadKey(created));
    }

    /// <summary>A database that is copied for each region, and the key of its user.</summary>
    private sealed record PreparedDatabase(string Database, string ApiKey);
}

/// <summary>The processes of a region.</summary>
internal sealed record Region(ProductStores Stores, ProductProcess Kgs, ProductProcess A, ProductProcess B, string ApiKey)
{
    private const int LocalPool = 2_000;

    /// <summary>The app processes.</summary>
    public IReadOnlyList<ProductProcess> Pods => [A, B];

    /// <summary>All processes.</summary>
    public IReadOnlyList<ProductProcess> Processes => [A, B, Kgs];

    /// <summary>The user through pod A.</summary>
    public ApiClient OnA => new(A.Http, ApiKey);

    /// <summary>The user through pod B.</summary>
    public ApiClient OnB => new(B.Http, ApiKey);

    /// <summary>Waits until each pod has all the codes that it keeps ahead, and Redis with them.</summary>
    public async Task WaitUntilFilledAsync()
    {
        foreach (var pod in Pods)
            await Eventually.ReadAsync(() => pod.ReadMetricAsync("shortener_key_pool_level"), level => level >= LocalPool, "the pod's pool is filled");
    }

    /// <summary>A request to the key generation service.</summary>
    public Task<Reply> AskKgsAsync(HttpMethod method, string path, object? body = null, string? token = null) =>
        new ApiClient(Kgs.Http, null).SendAsync(method, path, body, token is null ? [] : [("Authorization", $"Bearer {token}")]);
}
