using UrlShortener.Runtime.Abuse;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Health;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.OpenApi;
using UrlShortener.Runtime.QrCodes;
using UrlShortener.Runtime.RateLimiting;
using UrlShortener.Runtime.Redirects;
using UrlShortener.Runtime.Storage;
using UrlShortener.Runtime.Storage.Sqlite;
using UrlShortener.Runtime.Telemetry;
using UrlShortener.Runtime.Users;

namespace UrlShortener.Runtime;

/// <summary>What the process is made of: one method per capability.</summary>
internal static class Startup
{
    private const int ConfigurationError = 78; // EX_CONFIG of sysexits.h

    /// <summary>Configuration by appsettings.json, environment and command line, in ASP.NET Core's order.</summary>
    public static WebApplicationBuilder CreateBuilder(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            Args = args,
            // The defaults lie beside the binary, wherever it was started from.
            ContentRootPath = File.Exists("appsettings.json") ? Directory.GetCurrentDirectory() : AppContext.BaseDirectory,
        });
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // Every endpoint sets its own, smaller limit.
            kestrel.Limits.MaxRequestBodySize = 128 * 1024 * 1024;
        });
        return builder;
    }

    /// <summary>Writes configuration errors; returns the exit code.</summary>
    public static int Report(IReadOnlyList<string> errors)
    {
        Console.Error.WriteLine(errors.Count == 1 ? "The configuration has an error:" : $"The configuration has {errors.Count} errors:");
        foreach (var error in errors)
            Console.Error.WriteLine($"  {error}");
        return ConfigurationError;
    }

    /// <summary>The store and everything that speaks to it.</summary>
    public static void AddStorage(this IServiceCollection services)
    {
        services.AddSingleton<SqliteDatabase>();
        services.AddSingleton<IDatabase>(provider => provider.GetRequiredService<SqliteDatabase>());
        services.AddSingleton<ILinkStore, SqliteLinkStore>();
        services.AddSingleton<IUserStore, SqliteUserStore>();
        services.AddSingleton<IKeyStore, SqliteKeyStore>();
        services.AddSingleton<IClickStore, SqliteClickStore>();
    }

    /// <summary>Everything that runs, in the order in which it stops: what takes requests first, the writers last.</summary>
    public static void AddRuntime(this IServiceCollection services, IConfiguration configuration)
    {
        RuntimeMetrics.Configure();
        services.AddSettings(configuration);
        services.AddSingleton(TimeProvider.System);
        services.AddStorage();

        services.AddSingleton(provider => new BlocklistFile(
            provider.GetRequiredService<AbuseOptions>().BlocklistPath, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<BlocklistFile>>()));
        services.AddSingleton<LinkCache>();
        services.AddSingleton<KeyPool>();
        services.AddSingleton<UserDirectory>();
        services.AddSingleton<RateLimiter>();
        services.AddSingleton<ClickQueue>();
        services.AddSingleton(GeoDatabases.BuildEnricher);
        services.AddSingleton<ClickStatistics>();
        services.AddSingleton<LinkRules>();
        services.AddSingleton<LinkUrls>();
        services.AddSingleton<LinkCreator>();

        services.AddSingleton<LinkEndpoints>();
        services.AddSingleton<RedirectEndpoint>();
        services.AddSingleton<QrCodeEndpoint>();
        services.AddSingleton<HealthEndpoints>();
        services.AddBearerTokens(configuration);
        services.AddApiDescription();

        services.AddHostedService<ClickWriter>();
        services.AddHostedService<UserActivityRecorder>();
        services.AddHostedService<RetentionWorker>();
        services.AddHostedService<KeyPoolWorker>();
        services.AddHostedService(provider => provider.GetRequiredService<BlocklistFile>());
    }

    /// <summary>The way of a request to its endpoint.</summary>
    public static void UseRuntime(this WebApplication app)
    {
        app.UseTrustedProxies();
        // Redirects leave here; they handle their own errors.
        app.UseRouting();
        app.UseMiddleware<ErrorMiddleware>();
        app.UseWhen(context => context.Request.Path.StartsWithSegments("/api", StringComparison.OrdinalIgnoreCase), api =>
        {
            api.UseMiddleware<ApiMetricsMiddleware>();
            api.UseMiddleware<AccessMiddleware>();
        });
        app.MapRuntime();
    }
}
