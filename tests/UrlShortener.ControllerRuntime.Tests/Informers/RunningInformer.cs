using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Informers;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests.Informers;

/// <summary>An informer that runs until the end of the test.</summary>
internal sealed class RunningInformer<T> : IAsyncDisposable
    where T : class, IKubernetesObject<V1ObjectMeta>
{
    private readonly IDisposable _clients;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _running;

    private RunningInformer(ApiClient client, IDisposable clients, InformerOptions<T> options, ILogger<Informer<T>> logger)
    {
        _clients = clients;
        Informer = new Informer<T>(client, options, TimeProvider.System, logger);
        Changes = new ChangeList<T>(Informer);
        _running = Informer.RunAsync(_end.Token);
    }

    public Informer<T> Informer { get; }

    public ChangeList<T> Changes { get; }

    /// <summary>Starts one, and returns when it is in step.</summary>
    public static async Task<RunningInformer<T>> StartAsync(string kubeconfig, int? port, InformerOptions<T> options, ILogger<Informer<T>>? logger = null)
    {
        var started = Start(kubeconfig, port, options, logger);
        await started.Informer.WaitForSyncAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(5));
        return started;
    }

    public static RunningInformer<T> Start(string kubeconfig, int? port, InformerOptions<T> options, ILogger<Informer<T>>? logger = null)
    {
        var clients = RuntimeTest.Connect(kubeconfig, port);
        return new RunningInformer<T>(clients.Watches, clients, options, logger ?? NullLogger<Informer<T>>.Instance);
    }

    public static RunningInformer<T> Start(ApiClient client, InformerOptions<T> options, ILogger<Informer<T>>? logger = null) =>
        new(client, client, options, logger ?? NullLogger<Informer<T>>.Instance);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _running);
        _clients.Dispose();
        _end.Dispose();
    }
}
