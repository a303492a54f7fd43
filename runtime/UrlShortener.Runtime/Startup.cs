using System.Text;
using Microsoft.Extensions.Logging.Console;
using UrlShortener.Runtime.Abuse;
using UrlShortener.Runtime.Access;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Health;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Keys.Generation;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.OpenApi;
using UrlShortener.Runtime.QrCodes;
using UrlShortener.Runtime.RateLimiting;
using UrlShortener.Runtime.Redirects;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Retention;
using UrlShortener.Runtime.Statistics;
using UrlShortener.Runtime.Storage;
using UrlShortener.Runtime.Storage.Redis;
using UrlShortener.Runtime.Telemetry;
using UrlShortener.Runtime.Users;

namespace UrlShortener.Runtime;

/// <summary>What the process is made of: one method per capability.</summary>
internal static class Startup
{
    private const string DefaultUrl = "http://localhost:8080";

    /// <summary>Configuration by appsettings.json, environment and command line, in ASP.NET Core's order.</summary>
    /// <returns>The builder, or null and every error of the configuration.</returns>
    public static (WebApplicationBuilder? Builder, IReadOnlyList<string> Errors) CreateBuilder(string[] args)
    {
        try
        {
            var builder = CreateBuilderOfAny(args);
            var errors = Settings.FindErrors(builder.Configuration);
            return errors.Count > 0 ? (null, errors) : (builder, []);
        }
        // A file that is no JSON, or has a name twice. The innermost message says where.
        catch (InvalidDataException error)
        {
            return (null, [$"{error.Message} {error.GetBaseException().Message}"]);
        }
    }

    private static WebApplicationBuilder CreateBuilderOfAny(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(
            new WebApplicationOptions
            {
                Args = args,
                // The defaults lie beside the binary, wherever it was started from.
                ContentRootPath = File.Exists("appsettings.json") ? Directory.GetCurrentDirectory() : AppContext.BaseDirectory,
            }
        );
        // The slim builder has the simple format only; this adds json and systemd, chosen by Logging:Console:FormatterName.
        builder.Logging.AddConsole();
        // Whoever reads the output may be slow. Then lines are left out, and a line says how many; requests do not wait for lines.
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite);
        builder.Services.Configure<ConsoleLoggerOptions>(builder.Configuration.GetSection("Logging:Console"));
        // The format of appsettings.json ends with the space that the simple format needs.
        builder.Services.PostConfigure<JsonConsoleFormatterOptions>(json => json.TimestampFormat = json.TimestampFormat?.TrimEnd());
        // Not in appsettings.json, which would win over ASPNETCORE_URLS and ASPNETCORE_HTTP_PORTS.
        if (!ListenAddresses.AreSet(builder.Configuration))
            builder.WebHost.UseUrls(DefaultUrl);
        // Base images set a port, which is no conflict to warn of.
        else if (!string.IsNullOrEmpty(builder.Configuration["Urls"]))
            builder.WebHost.UseSetting("Http_Ports", "");
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // Bytes that are no UTF-8 are opaque, not wrong (RFC 9110, 5.5): another application of the domain may send them. They become U+FFFD.
            kestrel.RequestHeaderEncodingSelector = static _ => Encoding.UTF8;
            // Every endpoint sets its own, smaller limit.
            kestrel.Limits.MaxRequestBodySize = 128 * 1024 * 1024;
            var connections = kestrel.ApplicationServices.GetRequiredService<ConnectionLimit>();
            kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Use(next => connection => connections.ServeAsync(connection, next)));
        });
        return builder;
    }

    /// <summary>Writes configuration errors; returns the exit code.</summary>
    public static int Report(IReadOnlyList<string> errors)
    {
        Console.Error.WriteLine(errors.Count == 1 ? "The configuration has an error:" : $"The configuration has {errors.Count} errors:");
        foreach (var error in errors)
            Console.Error.WriteLine($"  {error}");
        return ExitCode.Configuration;
    }

    /// <summary>Writes what is wrong with the command line; returns the exit code.</summary>
    public static int ReportUsage(IEnumerable<string> errors)
    {
        foreach (var error in errors)
            Console.Error.WriteLine(error);
        Console.Error.WriteLine("--help lists the commands.");
        return ExitCode.Usage;
    }

    /// <summary>Why a start failed, where an operator can mend it; null for faults of ours.</summary>
    public static StartFailure? Explain(Exception error, IConfiguration configuration) =>
        error switch
        {
            ConfigurationException => new(error.Message, ExitCode.Configuration),
            // The database went away between its preparation and this.
            _ when error is TimeoutException or DependencyException || StoreFailure.IsOfDriver(error) => new(
                $"The first user could not be looked for: {error.Message}",
                ExitCode.Failed
            ),
            // The system refuses an address: not this machine's, or not allowed.
            System.Net.Sockets.SocketException => new(
                $"{ListenAddresses.DescribeRefused(configuration)} cannot be listened on: {error.Message}",
                ExitCode.Configuration
            ),
            // A certificate that cannot be read. Nothing else at a start reads one.
            System.Security.Cryptography.CryptographicException or FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException => new(
                $"A certificate in the section Kestrel cannot be used: {error.Message}",
                ExitCode.Configuration
            ),
            // What Kestrel says about its settings is a sentence.
            InvalidOperationException when error.Source?.StartsWith("Microsoft.AspNetCore.Server.Kestrel", StringComparison.Ordinal) == true => new(
                $"{ListenAddresses.DescribeRefused(configuration)} cannot be listened on: {error.Message}",
                ExitCode.Configuration
            ),
            // A folder or a port in use.
            InvalidOperationException or IOException => new(error.Message, ExitCode.Failed),
            _ => null,
        };

    /// <summary>Everything that runs in a role.</summary>
    public static void AddRuntime(this IServiceCollection services, IConfiguration configuration)
    {
        var role = Settings.RoleOf(configuration);
        var servers = ConfiguredServers.Of(configuration);
        RuntimeMetrics.Configure();
        services.AddSettings(configuration);
        services.AddSingleton(servers);
        services.AddSingleton(TimeProvider.System);

        // The order matters, here and in AddLinkRole: services start in it and stop in the opposite one. Connections to servers come first, since others need
        // them until their own end. A test holds the order.
        services.AddStorage(servers);
        services.AddHttp(configuration);
        services.AddHealth();
        if (role != RuntimeRole.Kgs)
            services.AddLinkRole(configuration, servers);
        if (role != RuntimeRole.App && servers.HasRedis)
            services.AddKeyGeneration();
    }

    /// <summary>The way of a request to its endpoint.</summary>
    public static void UseRuntime(this WebApplication app)
    {
        var role = Settings.RoleOf(app.Configuration);
        Drain.EndConnections(app);
        app.UseTrustedProxies();
        // Redirects leave here; they handle their own errors.
        app.UseRouting();
        app.UseMiddleware<ErrorMiddleware>();
        if (role != RuntimeRole.Kgs)
        {
            app.UseWhen(
                context => context.Request.Path.StartsWithSegments("/api", StringComparison.OrdinalIgnoreCase),
                api =>
                {
                    api.UseMiddleware<ApiMetricsMiddleware>();
                    api.UseCrossOrigin(app.Configuration);
                    api.UseMiddleware<AccessMiddleware>();
                    api.UseMiddleware<KnownHostMiddleware>();
                }
            );
            app.MapLinks();
        }

        if (role != RuntimeRole.App && app.Services.GetRequiredService<ConfiguredServers>().HasRedis)
            app.MapKeyGeneration();
        app.MapOperations();
    }

    /// <summary>Redirects and the API.</summary>
    private static void AddLinkRole(this IServiceCollection services, IConfiguration configuration, ConfiguredServers servers)
    {
        services.AddAccess(configuration);
        services.AddRateLimiting();
        services.AddLinks();
        services.AddRedirects();
        services.AddApiDescription();

        if (servers.HasRedis)
            services.AddProcessCensus();
        services.AddCaching(servers);
        services.AddQrCodes();
        services.AddClicks();
        services.AddUsers();
        services.AddRetention();
        services.AddStatistics();
        services.AddKeys(servers);
        services.AddAbuse();
    }
}

/// <summary>Why a start failed.</summary>
/// <param name="Sentence">For an operator.</param>
/// <param name="Code">Exit code of the process, of <see cref="ExitCode"/>.</param>
internal readonly record struct StartFailure(string Sentence, int Code);
