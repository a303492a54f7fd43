using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using UrlShortener.TestHarness.Product;
using Xunit;

namespace UrlShortener.Runtime.Tests;

public sealed class StartupTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // Services stop in the opposite order.
    [Fact]
    public async Task AddRuntime_AllServers_StartsServicesInThisOrder()
    {
        Assert.Equal(
            [
                "PostgresWriteRegionWatch",
                "PostgresMaintenance",
                "RedisConnection",
                "RedisEvictions",
                "Drain",
                "ProcessCensus",
                "ChangeFeed",
                "WarmUp",
                "QrRenderQueue",
                "PostgresClickFoldWorker",
                "ClickPublisher",
                "ClickWriter",
                "UserActivityRecorder",
                "RetentionWorker",
                "DeletionWorker",
                "ErasureWorker",
                "SummingWorker",
                "KeyPoolWorker",
                "BlocklistFile",
                "KeyGenerationWorker",
                "ClickHouseStartMigration",
                "ClickLoader",
                "GenericWebHostService",
            ],
            await HostedServicesAsync(
                "--ConnectionStrings:Postgres=Host=localhost",
                "--ConnectionStrings:Redis=localhost",
                "--ConnectionStrings:Kafka=localhost:9092",
                "--ConnectionStrings:ClickHouse=Host=localhost",
                $"--Clicks:SpoolDirectory={_folder.PathOf("spool")}"
            )
        );
    }

    [Fact]
    public async Task AddRuntime_RoleKgs_StartsKeyGenerationAlone()
    {
        Assert.Equal(
            ["PostgresWriteRegionWatch", "PostgresMaintenance", "RedisConnection", "RedisEvictions", "Drain", "KeyGenerationWorker", "GenericWebHostService"],
            await HostedServicesAsync(
                "--Role=kgs",
                $"--Kgs:Token={new string('t', 32)}",
                "--ConnectionStrings:Postgres=Host=localhost",
                "--ConnectionStrings:Redis=localhost"
            )
        );
    }

    [Fact]
    public async Task AddRuntime_NoServers_StartsServicesInThisOrder()
    {
        Assert.Equal(
            [
                "Drain",
                "ChangeFeed",
                "QrRenderQueue",
                "ClickWriter",
                "UserActivityRecorder",
                "RetentionWorker",
                "DeletionWorker",
                "SummingWorker",
                "KeyPoolWorker",
                "BlocklistFile",
                "GenericWebHostService",
            ],
            await HostedServicesAsync()
        );
    }

    private static async Task<IEnumerable<string>> HostedServicesAsync(params string[] args)
    {
        var (builder, errors) = Startup.CreateBuilder(args);
        Assert.Empty(errors);
        builder!.Services.AddRuntime(builder.Configuration);
        await using var app = builder.Build();
        return [.. app.Services.GetServices<IHostedService>().Select(service => service.GetType().Name)];
    }
}
