using UrlShortener.Runtime.Administration;
using UrlShortener.Runtime.Storage;

namespace UrlShortener.Runtime;

/// <summary>From the start of the product to its end.</summary>
internal static class Serving
{
    /// <summary>Serves until it is told to stop; returns the exit code.</summary>
    /// <param name="builder">Whose configuration has no errors.</param>
    public static async Task<int> RunAsync(WebApplicationBuilder builder)
    {
        // Why a start failed is told once, in a sentence, below; the host would log it as a stack trace, and more for each service that it then stops.
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
            app.UseRuntime();
            // All are made before any begins.
            _ = app.Services.GetServices<IHostedService>();
            hasBegun = true;
            await app.StartAsync();
            isStarted = true;
            if (isOwnStore)
                await FirstUser.EnsureAsync(app.Services, app.Urls.First(), CancellationToken.None);
        }
        catch (Exception error)
        {
            // Services that have begun work end it before what they use is disposed of, whatever went wrong.
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
}
