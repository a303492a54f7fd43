using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Http;

/// <summary>
/// Lets pages of configured origins call the API from a browser, with ASP.NET Core's own middleware. The browser's credentials are never allowed: pages send
/// keys and tokens in headers that they set themselves.
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

    /// <summary>Answers preflight requests and adds the headers to answers. Runs before authentication: browsers send no key with a preflight.</summary>
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
                .WithExposedHeaders("Content-Disposition", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "Idempotency-Replayed")
                .SetPreflightMaxAge(PreflightAge)
        );
    }

    private static bool IsConfigured(IConfiguration configuration) => configuration.GetSection("Cors:AllowedOrigins").GetChildren().Any();
}
