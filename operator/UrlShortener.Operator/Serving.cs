using UrlShortener.Operator.Configuration;

namespace UrlShortener.Operator;

/// <summary>Runs the operator from start to stop.</summary>
internal static class Serving
{
    /// <summary>Serves until the process is stopped; returns the exit code.</summary>
    /// <param name="builder">A builder with the operator's services.</param>
    /// <param name="options">Options without errors.</param>
    public static async Task<int> RunAsync(WebApplicationBuilder builder, OperatorOptions options)
    {
        // The code below reports a failed start in one sentence. The host would log a stack trace, and another one for each service that it stops.
        var isStarted = false;
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level => isStarted && level >= LogLevel.Information);
        await using var app = builder.Build();
        try
        {
            app.MapOperator(options);
            await app.StartAsync();
            isStarted = true;
        }
        // Stopped while it started, which is no failure: a deployment that is replaced at once, Ctrl+C.
        catch (OperationCanceledException) when (app.Lifetime.ApplicationStopping.IsCancellationRequested)
        {
            await app.StopAsync();
            return 0;
        }
        catch (Exception error) when (Startup.Explain(error, options) is not null)
        {
            // Releases a lease that the process has taken in the meantime.
            await app.StopAsync();
            var (message, exitCode) = Startup.Explain(error, options)!.Value;
            await Console.Error.WriteLineAsync(message);
            return exitCode;
        }

        await app.WaitForShutdownAsync();
        return 0;
    }
}
