using Npgsql;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Servers.Tests.Pods;

public sealed class ServerStartTests : ProductTest
{
    private const string Password = "correct-horse-battery";
    private const string OnStart = "--Postgres:MigrateOnStart=false";

    [Fact]
    public async Task Start_TablesMissing_SaysToMigrateAndThenStarts()
    {
        var stores = await NewStoresAsync();

        await ProductRuns.AssertFailsAsync(stores, "Run `migrate` first", OnStart);
        var migrated = await ProductProgram.RunAsync(stores.Folder, ["migrate", .. stores.Settings]);
        Assert.True(migrated.ExitCode == 0, migrated.ToString());
        Assert.Contains("The store is up to date.", migrated.Output, StringComparison.Ordinal);
        var product = Own(ProductProcess.Launch(stores, OnStart));
        await product.WaitUntilReadyAsync();

        var user = await product.CreateUserAsync(NewEmail());
        Assert.Equal(302, (await product.Anonymous.GetAsync($"/{await user.CreateLinkAsync()}")).Status);
        // Who migrates in a step of its own makes users in one, too.
        Assert.DoesNotContain("API key", product.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_TwoAtOnceOnNewData_ShareItSoundly()
    {
        var stores = await NewStoresAsync();
        var products = new[] { Own(ProductProcess.Launch(stores)), Own(ProductProcess.Launch(stores)) };

        foreach (var product in products)
            await product.WaitUntilReadyAsync();
        var user = await products[0].CreateUserAsync(NewEmail());
        var code = await user.CreateLinkAsync("https://example.com/shared");
        Assert.Equal("https://example.com/shared", (await products[1].Anonymous.GetAsync($"/{code}")).Header("Location"));
        var many = await Task.WhenAll(
            Enumerable
                .Range(0, 40)
                .Select(number => new ApiClient(products[number % 2].Http, user.ApiKey).CreateAsync(new { original_url = "https://example.com/" }))
        );
        Assert.All(many, reply => Assert.True(reply.Status == 201, reply.ToString()));

        var users = await products[0].RunCommandAsync("users", "list");
        foreach (var product in products)
            await product.StopAsync();
        Assert.Single(users.Output.Split('\n'), line => line.Contains("owner@localhost", StringComparison.Ordinal));
        Assert.Equal(1, products.Sum(product => product.AllOutput.Split("API key: ").Length - 1));
        Assert.Equal("ok", await stores.CheckAsync());
    }

    [Theory]
    [InlineData("Host=127.0.0.1:1;Username=postgres", "Failed to connect to 127.0.0.1:1")]
    [InlineData("Host=127.0.0.1:1,127.0.0.1:2;Username=postgres", "Failed to connect to 127.0.0.1:2")]
    [InlineData("Host=no-such-host.invalid;Username=postgres", "")]
    public async Task Start_HostDoesNotAnswer_SaysSoWithoutThePassword(string connection, string named)
    {
        var stores = await NewStoresAsync();
        string[] settings = [$"--ConnectionStrings:Postgres={connection};Password={Password};Database=x"];

        var start = await ProductRuns.AssertFailsAsync(stores, "ConnectionStrings:Postgres cannot be used", settings);
        var migration = await ProductProgram.RunAsync(stores.Folder, ["migrate", .. stores.Settings, .. settings]);
        var list = await ProductProgram.RunAsync(stores.Folder, ["users", "list", .. stores.Settings, .. settings, OnStart]);

        foreach (var result in new[] { start, migration, list })
        {
            Assert.True(result.ExitCode == 1, result.ToString());
            Assert.Contains("ConnectionStrings:Postgres cannot be used: ", result.Error, StringComparison.Ordinal);
            // A command tells the hosts in the log, since it learns of them when it looks at the tables.
            Assert.Contains(named, result == list ? result.Output : result.Error, StringComparison.Ordinal);
            AssertTellsNoPassword(result);
        }
    }

    [Theory]
    [InlineData("wrong-password", "", "password authentication failed")]
    [InlineData(Password, "no_such_database", "\"no_such_database\" does not exist")]
    public async Task Start_PasswordOrDatabaseWrong_SaysSoWithoutThePassword(string password, string database, string named)
    {
        var stores = await NewStoresAsync();
        var user = await CreateUserWithPasswordAsync(stores);
        var connection = new NpgsqlConnectionStringBuilder(stores.PostgresConnection) { Username = user, Password = password };
        if (database.Length > 0)
            connection.Database = database;
        var setting = $"--ConnectionStrings:Postgres={connection.ConnectionString}";

        // Whether or not a start migrates: waiting mends neither.
        foreach (var migrates in new[] { "true", "false" })
        {
            var result = await ProductRuns.AssertIsMisconfiguredAsync(stores, named, setting, $"--Postgres:MigrateOnStart={migrates}");
            Assert.Contains("ConnectionStrings:Postgres cannot be used", result.Error, StringComparison.Ordinal);
            Assert.DoesNotContain(password, result.ToString(), StringComparison.Ordinal);
        }
    }

    private static void AssertTellsNoPassword(ProgramResult result)
    {
        Assert.DoesNotContain(Password, result.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("inner exception", result.Error, StringComparison.Ordinal);
    }

    // The servers of the tests trust everybody; this user they ask for the password.
    private static async Task<string> CreateUserWithPasswordAsync(ProductStores stores)
    {
        var user = $"u{Guid.NewGuid():N}";
        await stores.ExecuteAsync($"CREATE ROLE {user} LOGIN PASSWORD '{Password}'");
        await stores.Servers.Postgres.WaitUntilReplicasCaughtUpAsync(TestContext.Current.CancellationToken);
        foreach (var node in stores.Servers.Postgres.Nodes)
        {
            await using var connection = new NpgsqlConnection(node.DirectConnectionString("postgres"));
            await connection.OpenAsync(TestContext.Current.CancellationToken);
            await using var show = new NpgsqlCommand("SHOW hba_file", connection);
            var path = (string)(await show.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
            Assert.SkipUnless(File.Exists(path), "The PostgreSQL of this run is no process of this machine, so its rules of access cannot be changed.");
            await File.WriteAllTextAsync(
                path,
                $"host all {user} 127.0.0.1/32 scram-sha-256\n{await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken)}",
                TestContext.Current.CancellationToken
            );
            await using var reload = new NpgsqlCommand("SELECT pg_reload_conf()", connection);
            await reload.ExecuteScalarAsync(TestContext.Current.CancellationToken);
        }

        return user;
    }
}
