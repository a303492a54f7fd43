using k8s;
using k8s.Models;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Election;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.Operator.KeyPools;
using UrlShortener.Operator.Regions;
using UrlShortener.Operator.Traffic;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>The operator's controllers in this process, for one namespace.</summary>
internal sealed class TestOperator : IAsyncDisposable
{
    private readonly IHost _host;

    private TestOperator(IHost host) => _host = host;

    /// <summary>The client that the controllers write with.</summary>
    public ResourceClient Client => _host.Services.GetRequiredService<ResourceClient>();

    /// <summary>The controller of regions.</summary>
    public ShortenerRegionController Regions => _host.Services.GetRequiredService<ShortenerRegionController>();

    /// <summary>The controller of traffic.</summary>
    public TrafficController Traffic => _host.Services.GetRequiredService<TrafficController>();

    /// <summary>An object as the controllers' cache has it; null: it has none.</summary>
    public T? FindCached<T>(string space, string name)
        where T : class, IKubernetesObject<V1ObjectMeta> =>
        _host.Services.GetRequiredService<Informer<T>>().Cache.TryGet(new ObjectKey(space, name), out var found) ? found : null;

    /// <summary>Starts them. There is no election unless the settings say so.</summary>
    public static Task<TestOperator> StartAsync(string kubeconfig, string space, Action<RuntimeOptions>? settings = null) =>
        StartAsync(() => KubernetesClientConfiguration.BuildConfigFromConfigFile(kubeconfig), space, settings);

    /// <summary>The same with another way to the API server.</summary>
    public static async Task<TestOperator> StartAsync(
        Func<KubernetesClientConfiguration> configure,
        string space,
        Action<RuntimeOptions>? settings = null,
        Action<IServiceCollection>? services = null,
        string cluster = ""
    )
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(_ => KubernetesClients.Create(configure));
        builder.Services.AddSingleton<ProcessExit>(_ => { });
        builder.Services.AddControllerRuntime(options =>
        {
            options.Namespaces = [space];
            options.Lease.Enabled = false;
            settings?.Invoke(options);
        });
        // The product's own would be most of the time of the tests of pools.
        builder.Services.AddSingleton(
            new KeyPoolTimings
            {
                Steady = TimeSpan.FromSeconds(5),
                Busy = TimeSpan.FromSeconds(1),
                Numbers = TimeSpan.FromSeconds(5),
            }
        );
        builder.Services.AddRegionControllers(cluster);
        services?.Invoke(builder.Services);
        var started = new TestOperator(builder.Build());
        await started._host.StartAsync();
        return started;
    }

    /// <summary>As SIGTERM does.</summary>
    public Task StopAsync() => _host.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }
}
