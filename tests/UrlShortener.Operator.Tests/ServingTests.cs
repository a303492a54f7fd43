using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using UrlShortener.Operator.Configuration;
using Xunit;

namespace UrlShortener.Operator.Tests;

public sealed class ServingTests
{
    [Fact]
    public async Task Run_StoppedDuringTheStart_EndsAsItDoesLater()
    {
        var (options, _) = Settings.Read(new ConfigurationBuilder().AddInMemoryCollection([new("Operator:Webhooks:Enabled", "false")]).Build());
        var builder = Startup.CreateBuilder(["--urls=http://127.0.0.1:0", "--Logging:LogLevel:Default=None"]);
        builder.Services.AddHealthChecks();
        builder.Services.AddHostedService<Stopping>();

        Assert.Equal(0, await Serving.RunAsync(builder, options));
    }

    // A signal at a moment when the server does not listen yet.
    private sealed class Stopping(IHostApplicationLifetime lifetime) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            lifetime.StopApplication();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
