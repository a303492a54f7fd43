using System.Reflection;
using k8s;
using k8s.Exceptions;
using Microsoft.Extensions.Logging.Console;
using Prometheus;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.ControllerRuntime.Tracing;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Backups;
using UrlShortener.Operator.Clusters;
using UrlShortener.Operator.Configuration;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Failover;
using UrlShortener.Operator.KeyPools;
using UrlShortener.Operator.Loading;
using UrlShortener.Operator.Mirrors;
using UrlShortener.Operator.Postgres;
using UrlShortener.Operator.Redis;
using UrlShortener.Operator.Regions;
using UrlShortener.Operator.Traffic;
using UrlShortener.Operator.Webhooks;
using UrlShortener.Tracing;

namespace UrlShortener.Operator;

/// <summary>Composition of the process: one method per capability.</summary>
internal static class Startup
{
    private const int ConfigurationError = 78; // EX_CONFIG of sysexits.h

    /// <summary>Reads configuration from appsettings.json, the environment and the command line, in ASP.NET Core's order.</summary>
    public static WebApplicationBuilder CreateBuilder(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(
            new WebApplicationOptions
            {
                Args = args,
                // The default settings are in the folder of the binary, whatever the working directory is.
                ContentRootPath = AppContext.BaseDirectory,
            }
        );
        // The slim builder has the simple format only; this adds json and systemd, chosen by Logging:Console:FormatterName.
        builder.Logging.AddConsole();
        builder.Services.Configure<ConsoleLoggerOptions>(builder.Configuration.GetSection("Logging:Console"));
        // The format in appsettings.json ends with a space, which the simple format needs.
        builder.Services.PostConfigure<JsonConsoleFormatterOptions>(json => json.TimestampFormat = json.TimestampFormat?.TrimEnd());
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

    /// <summary>Adds all services. They stop in reverse order: first what accepts requests, last the election.</summary>
    public static void AddOperator(this WebApplicationBuilder builder, OperatorOptions options)
    {
        OperatorMetrics.Configure();
        builder.AddTracing(options);
        builder.Services.AddControllerRuntime(runtime =>
        {
            runtime.Namespaces = options.NamespaceList;
            runtime.Resync = options.Resync;
            runtime.FieldManager = FieldManagers.Operator;
            runtime.ReportingController = $"{ApiGroup.Name}/operator";
            runtime.Lease = options.LeaderElection.ToLease();
            runtime.Lease.Labels = Labels.OfOperator();
            runtime.Lease.FieldManager = FieldManagers.Lease;
        });
        builder.Services.AddRegionControllers(options.Cluster);
        if (options.Webhooks.Enabled)
        {
            builder.Services.AddSingleton<IKubernetes>(_ => KubernetesClients.CreateLocalKubernetes());
            builder.Services.AddWebhooks(options.Webhooks, options.ListenAddress);
        }

        builder
            .WebHost.UseKestrelHttpsConfiguration()
            .ConfigureKestrel(kestrel =>
            {
                kestrel.AddServerHeader = false;
                if (options.ListenAddress is { } address)
                    kestrel.Listen(address, options.Port);
                else
                    kestrel.ListenAnyIP(options.Port);
                if (options.Webhooks.Enabled)
                    kestrel.ListenWebhooks(options.ListenAddress);
            });
    }

    /// <summary>Adds the export of spans if <c>Operator:Tracing:Endpoint</c> is set. Before all other services, so that it stops last.</summary>
    private static void AddTracing(this WebApplicationBuilder builder, OperatorOptions options)
    {
        if (!options.Tracing.IsOn)
            return;
        var version = typeof(Startup).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";
        builder.Services.AddTraceExport(
            new TraceSettings(options.Tracing, "url-shortener-operator", version, new Dictionary<string, object>(), [Spans.SourceName]),
            builder.Configuration
        );
    }

    /// <summary>Adds the controllers of the operator's kinds and their dependencies.</summary>
    /// <param name="services">The services.</param>
    /// <param name="cluster">Name of the operator's cluster; empty: it has none.</param>
    public static void AddRegionControllers(this IServiceCollection services, string cluster = "")
    {
        services
            .AddClusters(cluster)
            .AddRegionController()
            .AddKeyPoolController()
            .AddRedisController()
            .AddPostgresController()
            .AddBackupController()
            .AddFailoverController()
            .AddTrafficController()
            .AddLoaderController()
            .AddMirrorController();
    }

    /// <summary>Maps probes and metrics on one port, and the admission webhook on the other.</summary>
    public static void MapOperator(this WebApplication app, OperatorOptions options)
    {
        if (options.Webhooks.Enabled)
        {
            // Checks the local port, because the client chooses the Host header.
            app.UseWhen(
                context => context.Connection.LocalPort == options.Webhooks.Port && context.Request.Path != AdmissionEndpoint.Path,
                other =>
                    other.Run(context =>
                    {
                        context.Response.StatusCode = StatusCodes.Status404NotFound;
                        return Task.CompletedTask;
                    })
            );
            app.MapWebhooks();
        }

        app.MapRuntimeProbes();
        app.MapMetrics();
    }

    /// <summary>Explains a failed start that an administrator can fix; null: it is a bug.</summary>
    /// <returns>A sentence, and the exit code.</returns>
    public static (string Message, int ExitCode)? Explain(Exception error, OperatorOptions options) =>
        error switch
        {
            KubeConfigException or YamlDotNet.Core.YamlException => ($"Cannot find a Kubernetes cluster: {error.Message}", ConfigurationError),
            IOException or System.Net.Sockets.SocketException => (
                $"Cannot listen on Operator:Port {options.Port} or Operator:Webhooks:Port {options.Webhooks.Port}: {error.Message}",
                1
            ),
            _ => null,
        };
}
