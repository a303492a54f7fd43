using k8s;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Election;
using UrlShortener.ControllerRuntime.Hosting;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>The operator's controllers in this process, for one namespace.</summary>
internal sealed class TestOperator : IAsyncDisposable
{
    private readonly IHost _host;

    private TestOperator(IHost host) => _host = host;

    /// <summary>The client that the controllers write with.</summary>
    public ResourceClient Client => _host.Services.GetRequiredService<ResourceClient>();

    /// <summary>Starts them. There is no election unless the settings say so.</summary>
    public static Task<TestOperator> StartAsync(string kubeconfig, string space, Action<RuntimeOptions>? settings = null) =>
        StartAsync(() => KubernetesClientConfiguration.BuildConfigFromConfigFile(kubeconfig), space, settings);

    /// <summary>The same with another way to the API server.</summary>
    public static async Task<TestOperator> StartAsync(
        Func<KubernetesClientConfiguration> configure,
        string space,
        Action<RuntimeOptions>? settings = null,
        Action<IServiceCollection>? services = null
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
        builder.Services.AddRegionControllers();
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
