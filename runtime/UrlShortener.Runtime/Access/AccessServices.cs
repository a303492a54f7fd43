using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Access;

/// <summary>Registers the identification of callers.</summary>
internal static class AccessServices
{
    /// <summary>Registers the identification of callers, with Bearer tokens when they are configured.</summary>
    public static void AddAccess(this IServiceCollection services, IConfiguration configuration)
    {
        RuntimeMetrics.Register(typeof(CredentialGate));
        services.AddSingleton<CredentialGate>();
        services.AddBearerTokens(configuration);
    }
}
