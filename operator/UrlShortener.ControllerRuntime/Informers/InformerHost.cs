namespace UrlShortener.ControllerRuntime.Informers;

/// <summary>Runs all informers, on the leader and on standby replicas.</summary>
internal sealed class InformerHost(IEnumerable<IInformer> informers) : BackgroundService
{
    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(informers.Select(informer => informer.RunAsync(stoppingToken)));
}
