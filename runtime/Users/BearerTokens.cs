using Microsoft.IdentityModel.Tokens;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Users;

/// <summary>Bearer tokens (RFC 6750, RFC 7519), validated by ASP.NET Core's own handler.</summary>
internal static class BearerTokens
{
    /// <summary>Adds the handler when an authority or a key is configured.</summary>
    public static void AddBearerTokens(this IServiceCollection services, IConfiguration configuration)
    {
        var jwt = configuration.GetSection("Authentication:Jwt").Get<JwtOptions>() ?? new JwtOptions();
        if (!jwt.IsConfigured)
            return;
        services.AddAuthentication().AddJwtBearer(options =>
        {
            options.MapInboundClaims = false;
            options.Authority = jwt.Authority?.AbsoluteUri;
            options.TokenValidationParameters = new TokenValidationParameters
            {
                ValidAudience = jwt.Audience,
                ValidIssuer = jwt.Issuer,
                ClockSkew = TimeSpan.FromSeconds(30),
                RequireExpirationTime = true,
                RequireSignedTokens = true,
            };
            if (!string.IsNullOrEmpty(jwt.SigningKey))
            {
                options.TokenValidationParameters.IssuerSigningKey = new SymmetricSecurityKey(Convert.FromBase64String(jwt.SigningKey));
                options.TokenValidationParameters.ValidAlgorithms = [SecurityAlgorithms.HmacSha256];
            }
        });
    }
}
