using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Http;

/// <summary>
/// Lets pages of configured origins call the API from a browser, by ASP.NET Core's own middleware. Credentials of the browser are never part of it: keys and
/// tokens travel in headers that a page sets itself.
/// </summary>
internal static class CrossOrigin
{
    private static readonly TimeSpan PreflightAge = TimeSpan.FromMinutes(10);

    /// <summary>Adds the policy.</summary>
    public static void AddCrossOrigin(this IServiceCollection services, IConfiguration configuration)
    {
        if (IsConfigured(configuration))
            services.AddCors();
    }

    /// <summary>Answers preflight requests and marks answers, before anybody is asked for a key: browsers send none with a preflight.</summary>
    public static void UseCrossOrigin(this IApplicationBuilder app, IConfiguration configuration)
    {
        if (!IsConfigured(configuration))
            return;
        var origins = app.ApplicationServices.GetRequiredService<CrossOriginOptions>().AllowedOrigins;
        app.UseCors(policy =>
            policy
                .WithOrigins(origins)
                .WithMethods(HttpMethods.Get, HttpMethods.Head, HttpMethods.Post, HttpMethods.Patch, HttpMethods.Delete)
                .WithHeaders("Content-Type", "Authorization", "X-API-Key", "Idempotency-Key", "X-Idempotency-Key")
                .WithExposedHeaders("Location", "RateLimit", "RateLimit-Policy", "Retry-After", "Idempotency-Replayed")
                .SetPreflightMaxAge(PreflightAge)
        );
    }

    private static bool IsConfigured(IConfiguration configuration) => configuration.GetSection("Cors:AllowedOrigins").GetChildren().Any();
}
