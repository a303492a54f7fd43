using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.QrCodes;

/// <summary>Registers QR codes.</summary>
internal static class QrCodeServices
{
    /// <summary>Registers QR codes.</summary>
    public static void AddQrCodes(this IServiceCollection services)
    {
        RuntimeMetrics.Register(typeof(QrCodeMetrics));
        services.AddSingleton<QrCodeCache>();
        services.AddSingleton<QrRenderQueue>();
        services.AddSingleton<QrCodeEndpoint>();
        services.AddHostedService(provider => provider.GetRequiredService<QrRenderQueue>());
    }
}
