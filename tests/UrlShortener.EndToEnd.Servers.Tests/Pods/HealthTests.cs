using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Servers.Tests.Pods;

public sealed class HealthTests : PodTest
{
    [Fact]
    public async Task Stores_ThatAreWrongInOneWayAfterTheOther_HealthTells()
    {
        var region = await StartRegionAsync();

        await TellsOfKeysOfAnotherTypeAsync(region);
        await TellsOfWritesThatFailAsync(region);
        await TellsOfMigrationsAsync(region);
    }

    // Keys of Redis have another type until they are gone.
    private static async Task TellsOfKeysOfAnotherTypeAsync(Region region)
    {
        await WaitForHealthAsync(region.A, "kgs", "healthy");
        await WaitForHealthAsync(region.A, "cache", "healthy");
        var redis = region.Stores.Servers.Redis.GetDatabase();
        var (epoch, processes) = ($"{region.Stores.KeyPrefix}:keys:local:epoch", $"{region.Stores.KeyPrefix}:processes");

        // In one step: processes write the epoch where it is missing.
        var replacement = redis.CreateTransaction();
        _ = replacement.KeyDeleteAsync(epoch);
        _ = replacement.ListLeftPushAsync(epoch, "not ours");
        Assert.True(await replacement.ExecuteAsync());
        await redis.StringSetAsync(processes, "not ours");

        await WaitForHealthAsync(region.A, "kgs", "degraded");
        await WaitForHealthAsync(region.Kgs, "kgs", "degraded");
        await WaitForHealthAsync(region.A, "cache", "degraded");

        await redis.KeyDeleteAsync(epoch);
        await redis.KeyDeleteAsync(processes);

        foreach (var process in region.Processes)
        {
            await WaitForHealthAsync(process, "kgs", "healthy");
            await WaitForHealthAsync(process, "cache", "healthy");
        }
    }

    // Writes fail, and the probes do not.
    private static async Task TellsOfWritesThatFailAsync(Region region)
    {
        await WaitForHealthAsync(region.A, "database", "healthy");
        // As a full tablespace does, of which the probe's row needs nothing.
        await region.Stores.ExecuteAsync(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION USING errcode = ''disk_full'', message = ''no space left on device''; END';
            CREATE TRIGGER refuse BEFORE INSERT ON urls FOR EACH ROW EXECUTE FUNCTION refuse()
            """
        );

        var refused = await region.OnA.CreateAsync(new { original_url = "https://example.com/full" });
        refused.ShouldBeProblem(503, "UNAVAILABLE");
        await Eventually.ReadAsync(
            async () =>
            {
                await region.OnA.CreateAsync(new { original_url = "https://example.com/full" });
                return await ReadHealthAsync(region.A, "database");
            },
            state => state == "degraded",
            "the store is degraded"
        );

        await region.Stores.ExecuteAsync("DROP TRIGGER refuse ON urls");
        await WaitForHealthAsync(region.A, "database", "healthy");
        await Eventually.ReadAsync(
            () => region.OnA.CreateAsync(new { original_url = "https://example.com/again" }),
            reply => reply.Status == 201,
            "links are created again"
        );
    }

    // Migrations are missing or unknown.
    private static async Task TellsOfMigrationsAsync(Region region)
    {
        await WaitForSchemaAsync(region.A, "current");

        await region.Stores.ExecuteAsync("INSERT INTO schemaversions (scriptname, applied) VALUES ('9999_of_the_future.sql', now())");
        await WaitForSchemaAsync(region.A, "ahead");

        await region.Stores.ExecuteAsync("DELETE FROM schemaversions WHERE schemaversionsid IN (SELECT max(schemaversionsid) - 1 FROM schemaversions)");
        await WaitForSchemaAsync(region.A, "behind");

        await region.Stores.ExecuteAsync("DROP TABLE schemaversions");
        await WaitForSchemaAsync(region.A, "behind");
    }

    private static Task<string> WaitForSchemaAsync(ProductProcess process, string state) =>
        Eventually.ReadAsync(
            async () => (await process.Anonymous.GetAsync("/health")).Json.GetProperty("schema").GetProperty("state").GetString()!,
            now => now == state,
            $"the tables are {state}"
        );

    private static async Task<string> ReadHealthAsync(ProductProcess process, string component) =>
        (await process.Anonymous.GetAsync("/health")).Json.GetProperty("components").GetProperty(component).GetString()!;

    private static Task<string> WaitForHealthAsync(ProductProcess process, string component, string state) =>
        Eventually.ReadAsync(() => ReadHealthAsync(process, component), now => now == state, $"{component} is {state}");
}
