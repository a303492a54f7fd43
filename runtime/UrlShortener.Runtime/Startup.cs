using System.Text;
using Microsoft.Extensions.Logging.Console;
using UrlShortener.Runtime.Abuse;
using UrlShortener.Runtime.Access;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Clicks.Loading;
using UrlShortener.Runtime.Clicks.Results;
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
using UrlShortener.Runtime.Storage.ClickHouse;
using UrlShortener.Runtime.Storage.Postgres;
using UrlShortener.Runtime.Storage.Redis;
using UrlShortener.Runtime.Telemetry;
using UrlShortener.Runtime.Tracing;
using UrlShortener.Runtime.Users;

namespace UrlShortener.Runtime;

/// <summary>Composes the process: one method per capability.</summary>
internal static class Startup
{
    private const string DefaultUrl = "http://localhost:8080";

    /// <summary>Reads configuration from appsettings.json, the environment and the command line, in ASP.NET Core's order.</summary>
    /// <returns>The builder, or null and every error of the configuration.</returns>
    public static (WebApplicationBuilder? Builder, IReadOnlyList<string> Errors) CreateBuilder(string[] args)
    {
        try
        {
            var builder = CreateBuilderOfAny(args);
            IReadOnlyList<string> errors = [.. ConnectionFiles.Load(builder.Configuration), .. Settings.FindErrors(builder.Configuration)];
            if (errors.Count > 0)
                return (null, errors);
            ManagementPort.Listen(builder);
            return (builder, []);
        }
        // The file is not valid JSON or contains a name twice. The innermost message says where.
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
                // The default settings are in the folder of the binary, whatever the working directory is.
                ContentRootPath = File.Exists("appsettings.json") ? Directory.GetCurrentDirectory() : AppContext.BaseDirectory,
            }
        );
        // The slim builder has the simple format only; this adds json and systemd, chosen by Logging:Console:FormatterName.
        builder.Logging.AddConsole();
        builder.Logging.AddFailureLines(StoreFailure.IsOfDependency);
        // The reader of the output may be slow. Then the logger drops lines and reports how many; requests do not wait for log output.
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite);
        builder.Services.Configure<ConsoleLoggerOptions>(builder.Configuration.GetSection("Logging:Console"));
        // The format in appsettings.json ends with a space, which the simple format needs.
        builder.Services.PostConfigure<JsonConsoleFormatterOptions>(json => json.TimestampFormat = json.TimestampFormat?.TrimEnd());
        // Not set in appsettings.json: a value there would override ASPNETCORE_URLS and ASPNETCORE_HTTP_PORTS.
        if (!ListenAddresses.AreSet(builder.Configuration))
            builder.WebHost.UseUrls(DefaultUrl);
        // Base images set a port. That is not a conflict that needs a warning.
        else if (!string.IsNullOrEmpty(builder.Configuration["Urls"]))
            builder.WebHost.UseSetting("Http_Ports", "");
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // Bytes that are not valid UTF-8 are opaque, not wrong (RFC 9110, 5.5): another application of the domain may send them. They become U+FFFD.
            kestrel.RequestHeaderEncodingSelector = static _ => Encoding.UTF8;
            // Every endpoint sets its own, smaller limit.
            kestrel.Limits.MaxRequestBodySize = 128 * 1024 * 1024;
            var connections = kestrel.ApplicationServices.GetRequiredService<ConnectionLimit>();
            var management = ManagementPort.PortOf(builder.Configuration);
            kestrel.ConfigureEndpointDefaults(endpoint =>
                endpoint.Use(next =>
                    management is not null && endpoint.IPEndPoint?.Port == management
                        ? ManagementPort.Limit(next)
                        : connection => connections.ServeAsync(connection, next)
                )
            );
        });
        return builder;
    }

    /// <summary>Writes the configuration errors; returns the exit code.</summary>
    public static int Report(IReadOnlyList<string> errors)
    {
        Console.Error.WriteLine(errors.Count == 1 ? "The configuration has an error:" : $"The configuration has {errors.Count} errors:");
        foreach (var error in errors)
            Console.Error.WriteLine($"  {error}");
        return ExitCode.Configuration;
    }

    /// <summary>Writes the errors of the command line; returns the exit code.</summary>
    public static int ReportUsage(IEnumerable<string> errors)
    {
        foreach (var error in errors)
            Console.Error.WriteLine(error);
        Console.Error.WriteLine("--help lists the commands.");
        return ExitCode.Usage;
    }

    /// <summary>Explains why a start failed, if an operator can fix the cause; null for bugs of this program.</summary>
    public static StartFailure? Explain(Exception error, IConfiguration configuration) =>
        error switch
        {
            ConfigurationException => new(error.Message, ExitCode.Configuration),
            // The database became unreachable after it was prepared.
            _ when error is TimeoutException or DependencyException || StoreFailure.IsOfDriver(error) => new(
                $"The first user could not be looked for: {error.Message}",
                ExitCode.Failed
            ),
            // The system refuses an address: it does not belong to this machine, or it is not allowed.
            System.Net.Sockets.SocketException => new(
                $"{ListenAddresses.DescribeRefused(configuration)} cannot be listened on: {error.Message}",
                ExitCode.Configuration
            ),
            // A certificate cannot be read. Nothing else reads one during a start.
            System.Security.Cryptography.CryptographicException or FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException => new(
                $"A certificate in the section Kestrel cannot be used: {error.Message}",
                ExitCode.Configuration
            ),
            // Kestrel's messages about its settings are full sentences.
            InvalidOperationException when error.Source?.StartsWith("Microsoft.AspNetCore.Server.Kestrel", StringComparison.Ordinal) == true => new(
                $"{ListenAddresses.DescribeRefused(configuration)} cannot be listened on: {error.Message}",
                ExitCode.Configuration
            ),
            // A folder or a port is in use.
            InvalidOperationException or IOException => new(error.Message, ExitCode.Failed),
            _ => null,
        };

    /// <summary>Names the region and the role of this process in its metrics. Once per process, before anything else.</summary>
    public static void Identify(IConfiguration configuration) =>
        RuntimeMetrics.Identify(
            (configuration.GetSection("Region").Get<RegionOptions>() ?? new RegionOptions()).Name,
            Settings.RoleOf(configuration).ToString().ToLowerInvariant()
        );

    /// <summary>Registers everything that runs in the role of this process.</summary>
    public static void AddRuntime(this IServiceCollection services, IConfiguration configuration)
    {
        var role = Settings.RoleOf(configuration);
        var servers = ConfiguredServers.Of(configuration);
        RuntimeMetrics.Configure();
        services.AddSettings(configuration);
        services.AddSingleton(servers);
        services.AddSingleton(TimeProvider.System);

        // The order matters, here and in AddLinkRole: services start in it and stop in reverse order. Connections to servers come first, because other
        // services need them until those have stopped. Before them only the export of spans, which all others may record. A test checks the order.
        services.AddTracing(configuration);
        services.AddStorage(servers);
        services.AddHttp(configuration);
        services.AddHealth();
        if (role is RuntimeRole.All or RuntimeRole.App)
            services.AddLinkRole(configuration, servers);
        if (role is (RuntimeRole.All or RuntimeRole.Kgs) && servers.HasRedis)
            services.AddKeyGeneration();
        if (role is (RuntimeRole.All or RuntimeRole.Clicks) && servers.HasClickHouse)
        {
            services.AddClickHouseMigration();
            services.AddLoading();
            services.AddResults(configuration);
        }
    }

    /// <summary>Builds the request pipeline.</summary>
    public static void UseRuntime(this WebApplication app)
    {
        var role = Settings.RoleOf(app.Configuration);
        Drain.EndConnections(app);
        app.UseManagementPort();
        app.UseTracing();
        if (role is RuntimeRole.All or RuntimeRole.App)
            app.UseHotRedirects();
        TrustedProxies.Use(app);
        // Redirects leave the pipeline here; they handle their own errors.
        app.UseRouting();
        app.UsePublicPorts();
        app.UseMiddleware<RequestMetricsMiddleware>();
        app.UseMiddleware<ErrorMiddleware>();
        if (role is RuntimeRole.All or RuntimeRole.App)
        {
            app.UseWhen(
                context => context.Request.Path.StartsWithSegments("/api", StringComparison.OrdinalIgnoreCase),
                api =>
                {
                    api.UseCrossOrigin(app.Configuration);
                    api.UseMiddleware<ReadOnlyMiddleware>();
                    api.UseMiddleware<AccessMiddleware>();
                    api.UseMiddleware<KnownHostMiddleware>();
                }
            );
            app.MapLinks();
        }

        if (role is (RuntimeRole.All or RuntimeRole.Kgs) && app.Services.GetRequiredService<ConfiguredServers>().HasRedis)
            app.MapKeyGeneration();
        app.MapOperations();
        RequestMetricsMiddleware.Prepare(((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints));
    }

    /// <summary>Registers redirects and the API.</summary>
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
        // With ClickHouse too: clicks that were stored before it was there are still to be counted.
        if (servers.HasPostgres)
            services.AddPostgresClickFolding();
        services.AddClicks(servers);
        services.AddUsers();
        services.AddRetention(servers);
        services.AddStatistics();
        services.AddKeys(servers);
        services.AddAbuse();
    }
}

/// <summary>Why a start failed.</summary>
/// <param name="Sentence">The explanation for an operator.</param>
/// <param name="Code">Exit code of the process, one of <see cref="ExitCode"/>.</param>
internal readonly record struct StartFailure(string Sentence, int Code);
