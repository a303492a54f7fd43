using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Health;

/// <summary>
/// Keeps a stopping process serving until no more traffic is sent to it. New connections still work. Each response closes its connection, so that clients
/// with persistent connections move elsewhere too.
/// </summary>
internal sealed class Drain(ShutdownOptions options, TimeProvider time, IHostApplicationLifetime lifetime) : IHostedLifecycleService
{
    /// <summary>Whether the process is stopping.</summary>
    public bool HasBegun => lifetime.ApplicationStopping.IsCancellationRequested;

    /// <summary>Makes responses close their connection once the process is stopping. HTTP/2 does that by itself.</summary>
    public static void EndConnections(IApplicationBuilder app)
    {
        var drain = app.ApplicationServices.GetRequiredService<Drain>();
        app.Use(
            (context, next) =>
            {
                if (drain.HasBegun && HttpProtocol.IsHttp11(context.Request.Protocol))
                    context.Response.Headers.Connection = "close";
                return next(context);
            }
        );
    }

    /// <inheritdoc />
    // Runs before any service stops, including the one that listens. After a failed start there is no traffic to wait for.
    public Task StoppingAsync(CancellationToken cancellationToken) =>
        lifetime.ApplicationStarted.IsCancellationRequested ? Task.Delay(options.DrainDelay, time, cancellationToken) : Task.CompletedTask;

    /// <inheritdoc />
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
