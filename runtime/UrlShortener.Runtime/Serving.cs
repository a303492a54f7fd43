using UrlShortener.Runtime.Administration;
using UrlShortener.Runtime.Storage;

namespace UrlShortener.Runtime;

/// <summary>Runs the product from start to stop.</summary>
internal static partial class Serving
{
    /// <summary>Serves until the process is stopped; returns the exit code.</summary>
    /// <param name="builder">A builder whose configuration has no errors.</param>
    public static async Task<int> RunAsync(WebApplicationBuilder builder)
    {
        // The code below reports a failed start once, in one sentence. The host would log a stack trace, and another for each service that it then stops.
        var hasBegun = false;
        var isStarted = false;
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level => isStarted && level >= LogLevel.Information);
        builder.Services.AddRuntime(builder.Configuration);
        await using var app = builder.Build();
        try
        {
            var database = app.Services.GetRequiredService<IDatabase>();
            database.Acquire();
            var isOwnStore = database.Prepare(app.Environment.IsDevelopment());
            if (isOwnStore && app.Services.GetService<IAnalyticsTables>() is { } analytics)
                await MigrateAsync(analytics, app.Logger, app.Lifetime.ApplicationStopping);
            app.UseRuntime();
            // Creates all services before the first one starts.
            _ = app.Services.GetServices<IHostedService>();
            hasBegun = true;
            await app.StartAsync();
            isStarted = true;
            if (isOwnStore)
                await FirstUser.EnsureAsync(app.Services, app.Urls.First(), CancellationToken.None);
        }
        // Stopped while it started, which is no failure: a deployment that is replaced at once, Ctrl+C.
        catch (OperationCanceledException) when (app.Lifetime.ApplicationStopping.IsCancellationRequested)
        {
            await app.StopAsync();
            return ExitCode.Done;
        }
        catch (Exception error)
        {
            // Whatever went wrong, services that have started work must finish it before their dependencies are disposed of.
            if (hasBegun)
                await app.StopAsync();
            if (Startup.Explain(error, builder.Configuration) is not { } failure)
                throw;
            await Console.Error.WriteLineAsync(failure.Sentence);
            return failure.Code;
        }

        await app.WaitForShutdownAsync();
        return ExitCode.Done;
    }

    // Only statistics need it, so the process starts all the same.
    private static async Task MigrateAsync(IAnalyticsTables analytics, ILogger logger, CancellationToken cancellationToken)
    {
        try
        {
            await analytics.MigrateAsync(cancellationToken);
        }
        catch (InvalidOperationException error)
        {
            Log.NotMigrated(logger, error);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventName = "ClickHouseNotMigrated", Level = LogLevel.Warning, Message = "Cannot migrate ClickHouse; starting without statistics")]
        public static partial void NotMigrated(ILogger logger, Exception error);
    }
}
