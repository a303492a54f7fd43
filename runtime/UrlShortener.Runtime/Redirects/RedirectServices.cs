using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Redirects;

/// <summary>Registers redirects.</summary>
internal static class RedirectServices
{
    /// <summary>Registers redirects.</summary>
    public static void AddRedirects(this IServiceCollection services)
    {
        RuntimeMetrics.Register(typeof(RedirectMetrics));
        services.AddSingleton<OwnPages>();
        services.AddSingleton<RedirectEndpoint>();
    }

    /// <summary>Answers requests for links that are followed often. Before routing.</summary>
    public static void UseHotRedirects(this WebApplication app)
    {
        var redirects = app.Services.GetRequiredService<RedirectEndpoint>();
        app.Use(next => context => redirects.TryHandleHot(context, out var answer) ? answer : next(context));
    }
}
