using System.Text;
using k8s;
using Npgsql;
using UrlShortener.Operator.Conditions;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>The account of a region in its database, changed there alone: the Secret stays as it is.</summary>
public sealed class PasswordTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    [Fact]
    public async Task Account_LockedInTheDatabase_RegionIsNotReadyUntilItIsBack()
    {
        await StartAsync();
        var admin = Encoding.UTF8.GetString(
            (await Lab.Client.CoreV1.ReadNamespacedSecretAsync("postgres", Lab.Namespace, cancellationToken: Token)).Data["connectionString"]
        );
        // The servers of the tests ask for no password. An account that may not log in is refused as one with another password is.
        var role = $"r{Guid.NewGuid():N}";
        var database = new NpgsqlConnectionStringBuilder(admin).Database;
        await using var source = NpgsqlDataSource.Create(admin);
        await ExecuteAsync($"CREATE ROLE {role} LOGIN; ALTER DATABASE \"{database}\" OWNER TO {role}; GRANT ALL ON SCHEMA public TO {role}");
        await Lab.CreateSecretAsync("account", new NpgsqlConnectionStringBuilder(admin) { Username = role }.ConnectionString);
        await Lab.Client.CreateAsync(Lab.Region(patch: """{ "app": { "minReplicas": 1 }, "connections": { "postgresSecretRef": { "name": "account" } } }"""));
        await Lab.UntilAsync(ConditionTypes.Ready, "True");

        var began = TimeProvider.System.GetTimestamp();
        await ExecuteAsync($"ALTER ROLE {role} NOLOGIN; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'");
        var ready = await Lab.UntilAsync(ConditionTypes.Ready, "False", reason: Reasons.Unreachable);
        TestContext.Current.SendDiagnosticMessage(
            $"The account may not log in; Ready is False after {TimeProvider.System.GetElapsedTime(began).TotalSeconds:0.0} s."
        );
        Assert.Contains("postgres", ready.Message, StringComparison.Ordinal);
        // Links in memory redirect all the same.
        Assert.Equal("True", (await Lab.UntilAsync(ConditionTypes.AppAvailable, "True")).Status);

        await ExecuteAsync($"ALTER ROLE {role} LOGIN");
        await Lab.UntilAsync(ConditionTypes.Ready, "True");

        async Task ExecuteAsync(string sql)
        {
            await using var command = source.CreateCommand(sql);
            await command.ExecuteNonQueryAsync(Token);
        }
    }
}
