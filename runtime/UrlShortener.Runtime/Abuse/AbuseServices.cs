using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Abuse;

/// <summary>Registers the blocklist.</summary>
internal static class AbuseServices
{
    /// <summary>Registers the blocklist.</summary>
    public static void AddAbuse(this IServiceCollection services)
    {
        services.AddSingleton(provider => new BlocklistFile(
            provider.GetRequiredService<AbuseOptions>().BlocklistPath,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<BlocklistFile>>()
        ));
        services.AddHostedService(provider => provider.GetRequiredService<BlocklistFile>());
    }
}
