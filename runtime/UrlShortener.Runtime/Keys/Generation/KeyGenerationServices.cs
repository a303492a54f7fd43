using Microsoft.Extensions.DependencyInjection.Extensions;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Keys.Generation;

/// <summary>Adds the service to a process that has an <see cref="IKeyBatchStore"/>, an <see cref="IRegionPool"/> and a <see cref="KeyEpoch"/>.</summary>
internal static class KeyGenerationServices
{
    /// <summary>Registers the worker and its parts. A process without a <see cref="KeyPool"/> reports the level of the region's pool in its
    /// health.</summary>
    public static void AddKeyGeneration(this IServiceCollection services)
    {
        RuntimeMetrics.Register(typeof(KeyGenerationMetrics));
        services.AddSingleton<KeyGenerationState>();
        services.AddSingleton<GenerationSteps>();
        services.AddSingleton<RefillSignal>();
        services.AddSingleton<RegionEpoch>();
        services.AddSingleton<KeyBatches>();
        services.AddSingleton<KeyGenerationEndpoints>();
        services.TryAddSingleton<IKeyPoolHealth>(provider => provider.GetRequiredService<KeyGenerationState>());
        services.AddHostedService<KeyGenerationWorker>();
    }

    /// <summary>Maps /kgs/v1, when <see cref="KgsOptions.Token"/> is set.</summary>
    public static void MapKeyGeneration(this WebApplication app)
    {
        if (string.IsNullOrEmpty(app.Services.GetRequiredService<KgsOptions>().Token))
            return;
        var endpoints = app.Services.GetRequiredService<KeyGenerationEndpoints>();
        app.MapMethods("/kgs/v1/status", [HttpMethods.Get, HttpMethods.Head], endpoints.Guard(endpoints.GetStatusAsync))
            .WithMetadata(NoTraffic.Instance)
            .ExcludeFromDescription();
        app.MapMethods("/kgs/v1/refill", [HttpMethods.Post], endpoints.Guard(endpoints.RefillAsync)).WithMetadata(NoTraffic.Instance).ExcludeFromDescription();
        app.MapMethods("/kgs/v1/epochs", [HttpMethods.Post], endpoints.Guard(endpoints.OpenEpochAsync))
            .WithMetadata(NoTraffic.Instance)
            .ExcludeFromDescription();
    }
}
