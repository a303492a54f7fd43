using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Health;

/// <summary>
/// Lets a process that was told to stop serve on until nobody sends it traffic any more. New connections still work; each answer ends its connection, so that
/// clients which keep theirs open go elsewhere too.
/// </summary>
internal sealed class Drain(ShutdownOptions options, TimeProvider time, IHostApplicationLifetime lifetime) : IHostedLifecycleService
{
    /// <summary>Whether the process was told to stop.</summary>
    public bool HasBegun => lifetime.ApplicationStopping.IsCancellationRequested;

    /// <summary>Makes answers end their connection once the process was told to stop. HTTP/2 does that by itself.</summary>
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
    // Before any service is stopped, the one that listens among them. After a start that failed nobody has been sent here.
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
