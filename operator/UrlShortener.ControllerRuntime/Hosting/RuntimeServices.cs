using k8s;
using k8s.Models;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Election;
using UrlShortener.ControllerRuntime.Events;
using UrlShortener.ControllerRuntime.Informers;
using UrlShortener.ControllerRuntime.Queue;

namespace UrlShortener.ControllerRuntime.Hosting;

/// <summary>Registers the controller runtime and its controllers.</summary>
public static class RuntimeServices
{
    private const string ReadyTag = "ready";
    private const string LiveTag = "live";

    /// <summary>Time to stop: running reconciles, events, the lease.</summary>
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Adds clients of the local cluster, the election, informers, events and probes. Hosted services stop in reverse order, the election last.
    /// </summary>
    public static IServiceCollection AddControllerRuntime(this IServiceCollection services, Action<RuntimeOptions>? configure = null)
    {
        EventMetrics.Prepare();
        services.Configure(configure ?? (_ => { }));
        services.Configure<HostOptions>(host => host.ShutdownTimeout = StopLimit);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(_ => KubernetesClients.CreateLocal());
        services.TryAddSingleton<ProcessExit>(Environment.Exit);
        services.TryAddSingleton(provider => provider.GetRequiredService<IOptions<RuntimeOptions>>().Value.Lease);
        services.TryAddSingleton(provider =>
            provider.GetRequiredService<LeaseOptions>().Enabled ? new Leadership() : Leadership.CreatePermanent(provider.GetRequiredService<TimeProvider>())
        );
        services.TryAddSingleton(provider => new ResourceClient(
            provider.GetRequiredService<KubernetesClients>().Requests,
            provider.GetRequiredService<Leadership>()
        ));
        services.TryAddSingleton<EventRecorder>();
        services.TryAddSingleton(provider => SourceOf(provider.GetRequiredService<IOptions<RuntimeOptions>>().Value));
        services.AddSingleton<IHostedService>(provider =>
            provider.GetRequiredService<LeaseOptions>().Enabled ? ActivatorUtilities.CreateInstance<LeaseElector>(provider) : new NoElection()
        );
        services.AddHostedService<InformerHost>();
        services.AddHostedService<EventWriter>();
        services.AddHealthChecks().AddCheck<ReadinessCheck>("informers", tags: [ReadyTag]).AddCheck<LivenessCheck>("workers", tags: [LiveTag]);
        return services;
    }

    /// <summary>Adds the informer of a kind. Several calls for a kind share one informer and combine their settings.</summary>
    public static IServiceCollection AddInformer<T>(this IServiceCollection services, Action<InformerOptions<T>>? configure = null)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        if (configure is not null)
            services.Configure(configure);
        if (services.Any(service => service.ServiceType == typeof(Informer<T>)))
            return services;
        services
            .AddOptions<InformerOptions<T>>()
            .PostConfigure<IOptions<RuntimeOptions>>(
                (informer, runtime) =>
                {
                    informer.Namespaces ??= runtime.Value.Namespaces;
                    if (runtime.Value.Resync is { } resync)
                        informer.Timings = informer.Timings with { Resync = resync };
                }
            );
        services.AddSingleton(provider => new Informer<T>(
            provider.GetRequiredService<KubernetesClients>().Watches,
            provider.GetRequiredService<IOptions<InformerOptions<T>>>().Value,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<Informer<T>>>()
        ));
        return services.AddSingleton<IInformer>(provider => provider.GetRequiredService<Informer<T>>());
    }

    /// <summary>
    /// Adds a controller. A kind may have several, each with its own name and queue, so that slow work of one does not delay another. They must write different
    /// fields.
    /// </summary>
    /// <exception cref="InvalidOperationException">The controller is already added, or another one has its name.</exception>
    public static IServiceCollection AddController<TEntity, TController>(
        this IServiceCollection services,
        Action<ControllerDefinition<TEntity>>? configure = null
    )
        where TEntity : class, IKubernetesObject<V1ObjectMeta>
        where TController : class, IEntityController<TEntity>
    {
        var definition = new ControllerDefinition<TEntity>();
        configure?.Invoke(definition);
        if (
            services.Any(service =>
                service.IsKeyedService && service.ServiceType == typeof(ControllerHost<TEntity>) && Equals(service.ServiceKey, definition.Name)
            )
        )
            throw new InvalidOperationException($"{typeof(TEntity).Name} already has a controller with the name {definition.Name}. Give each its own.");
        services.AddInformer<TEntity>();
        foreach (var source in definition.Sources)
            source.Register(services);
        services.AddSingleton<ReconcileTrigger<TController>>();
        services.AddSingleton<TController>();
        services.AddSingleton<IEntityController<TEntity>>(provider => provider.GetRequiredService<TController>());
        services.AddKeyedSingleton(
            definition.Name,
            (provider, _) =>
            {
                var queue = new WorkQueue<ObjectKey>(definition.Name, definition.Backoff, provider.GetRequiredService<TimeProvider>());
                var controller = provider.GetRequiredService<TController>();
                var host = ActivatorUtilities.CreateInstance<ControllerHost<TEntity>>(provider, definition, controller, queue);
                provider.GetRequiredService<ReconcileTrigger<TController>>().Requested += host.Enqueue;
                return host;
            }
        );
        services.AddSingleton<IWorkAges>(provider => provider.GetRequiredKeyedService<ControllerHost<TEntity>>(definition.Name).Ages);
        return services.AddSingleton<IHostedService>(provider => provider.GetRequiredKeyedService<ControllerHost<TEntity>>(definition.Name));
    }

    /// <summary>Maps <c>/readyz</c> and <c>/livez</c>.</summary>
    public static void MapRuntimeProbes(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapHealthChecks("/readyz", new HealthCheckOptions { Predicate = check => check.Tags.Contains(ReadyTag) });
        endpoints.MapHealthChecks("/livez", new HealthCheckOptions { Predicate = check => check.Tags.Contains(LiveTag) });
    }

    private static EventSource SourceOf(RuntimeOptions options) => new(options.FieldManager, options.ReportingController, options.Lease.Identity);

    /// <summary>Replaces the election.</summary>
    private sealed class NoElection : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
