using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Election;
using UrlShortener.ControllerRuntime.Hosting;

namespace UrlShortener.ControllerRuntime.Tests.Hosting;

/// <summary>A process with the controller runtime in it, as far as tests go.</summary>
internal sealed class TestOperator : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly KubernetesClients _clients;

    private TestOperator(IHost host, KubernetesClients clients)
    {
        _host = host;
        _clients = clients;
    }

    /// <summary>For writes of the test's controllers.</summary>
    public ResourceClient Client => Get<ResourceClient>();

    /// <summary>Starts one that watches a namespace. There is no election unless the settings say so.</summary>
    public static async Task<TestOperator> StartAsync(
        string kubeconfig,
        string space,
        Action<IServiceCollection> configure,
        Action<RuntimeOptions>? settings = null
    )
    {
        var clients = RuntimeTest.Connect(kubeconfig);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(clients);
        builder.Services.AddSingleton<ProcessExit>(_ => { });
        builder.Services.AddControllerRuntime(options =>
        {
            options.Namespaces = [space];
            options.Lease.Enabled = false;
            options.FieldManager = RuntimeTest.FieldManager;
            options.ReportingController = "tests.urlshortener.dev/controller";
            settings?.Invoke(options);
        });
        configure(builder.Services);
        var started = new TestOperator(builder.Build(), clients);
        await started._host.StartAsync();
        return started;
    }

    public T Get<T>()
        where T : notnull => _host.Services.GetRequiredService<T>();

    /// <summary>As SIGTERM does.</summary>
    public Task StopAsync() => _host.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        _clients.Dispose();
    }
}
