using k8s;
using Npgsql;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities.Status;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>Databases that change under the operator.</summary>
public sealed class SchemaTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    private readonly StoresFixture _stores = stores;

    [Fact]
    public async Task Database_ReplacedByAnEmptyOne_IsMigratedAgain()
    {
        await StartAsync();
        await Lab.Client.CreateAsync(Lab.Region());
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        await Lab.UntilAsync(ConditionTypes.SchemaCurrent, "True");
        var secret = await Lab.Client.CoreV1.ReadNamespacedSecretAsync("postgres", Lab.Namespace, cancellationToken: Token);
        var connection = System.Text.Encoding.UTF8.GetString(secret.Data["connectionString"]);
        var database = new NpgsqlConnectionStringBuilder(connection).Database!;
        var postgres = await _stores.GetPostgresAsync();

        await postgres.DropDatabaseAsync(database, Token);
        await postgres.CreateDatabaseAsync(database, Token);

        SchemaStatus? schema = null;
        await Eventually.HoldsAsync(
            async () => (schema = (await Lab.ReadAsync()).Status?.Schema)?.Repairs == 1,
            () => $"the operator migrates again; it knows {schema}"
        );
        await Lab.UntilAsync(ConditionTypes.SchemaCurrent, "True");
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
        using var http = RegionLab.NewHttp(await Lab.OpenServiceAsync());
        await RegionLab.CreateLinkAsync(http);
        Assert.Equal(1, (await Lab.ReadAsync()).Status!.Schema!.Repairs);
        await Eventually.HoldsAsync(
            async () =>
                (await Lab.Client.EventsV1.ListNamespacedEventAsync(Lab.Namespace, cancellationToken: Token)).Items.Any(entry =>
                    entry.Reason == Reasons.SchemaBehind
                ),
            "an event tells of it"
        );

        // A newer version was here, and the image was taken back.
        await using var source = NpgsqlDataSource.Create(connection);
        await using var newer = source.CreateCommand("INSERT INTO schemaversions (scriptname, applied) VALUES ('9999_of_the_future.sql', now())");
        await newer.ExecuteNonQueryAsync(Token);
        await Lab.UntilAsync(ConditionTypes.SchemaCurrent, "False", reason: Reasons.SchemaAhead);
        await Lab.UntilAsync(ConditionTypes.Ready, "True");
    }
}
