using System.Globalization;
using System.Text.Json.Nodes;
using k8s.Models;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Election;
using UrlShortener.ControllerRuntime.Hosting;

namespace UrlShortener.ControllerRuntime.Tests.Election;

/// <summary>What this program does as a process to be frozen: it leads, or waits to, and writes as fast as it can while it leads. It ends with its
/// input.</summary>
internal static class LeaderProgram
{
    /// <summary>The argument that chooses this instead of the tests; a kubeconfig and a namespace follow.</summary>
    public const string Argument = "lead";

    /// <summary>Name of the ConfigMap that the leader writes.</summary>
    public const string Written = "written";

    public static async Task<int> RunAsync(string kubeconfig, string space)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(RuntimeTest.Connect(kubeconfig));
        builder.Services.AddControllerRuntime(options =>
        {
            options.Namespaces = [space];
            options.Lease = new LeaseOptions
            {
                Namespace = space,
                // Long enough that a leader on a busy machine renews it in time.
                Duration = TimeSpan.FromSeconds(6),
                RenewDeadline = TimeSpan.FromSeconds(5),
                RetryPeriod = TimeSpan.FromMilliseconds(400),
            };
        });
        builder.Services.AddHostedService(provider => new Writer(
            provider.GetRequiredService<ResourceClient>(),
            provider.GetRequiredService<Leadership>(),
            space
        ));
        using var host = builder.Build();
        await host.StartAsync();
        // Cannot outlive the test.
        await Console.In.ReadLineAsync();
        await host.StopAsync();
        return 0;
    }

    private sealed class Writer(ResourceClient client, Leadership leadership, string space) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            await leadership.WaitAsync(stoppingToken);
            // It does not listen to the loss of leadership: the writes must fail by themselves.
            for (var count = 1; ; count++)
            {
                try
                {
                    var data = new JsonObject { ["count"] = count.ToString(CultureInfo.InvariantCulture) };
                    var key = new ObjectKey(space, Written);
                    await client.PatchAsync<V1ConfigMap>(key, new JsonObject { ["data"] = data }, RuntimeTest.FieldManager, stoppingToken);
                }
                catch (Exception e) when (e is ApiException or TimeoutException or HttpRequestException or LeadershipLostException)
                {
                    await Task.Delay(10, stoppingToken);
                }
            }
        }
    }
}
