using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Http;

namespace UrlShortener.Runtime.Access;

/// <summary>Bearer tokens (RFC 6750, RFC 7519), validated by ASP.NET Core's own handler.</summary>
internal static partial class BearerTokens
{
    private static readonly TimeSpan ProviderTimeout = TimeSpan.FromSeconds(10);

    // Signature algorithms of OpenID Connect providers. HMAC is not among them: its key would be one that the provider publishes.
    private static readonly string[] ProviderAlgorithms =
    [
        SecurityAlgorithms.RsaSha256,
        SecurityAlgorithms.RsaSha384,
        SecurityAlgorithms.RsaSha512,
        SecurityAlgorithms.RsaSsaPssSha256,
        SecurityAlgorithms.RsaSsaPssSha384,
        SecurityAlgorithms.RsaSsaPssSha512,
        SecurityAlgorithms.EcdsaSha256,
        SecurityAlgorithms.EcdsaSha384,
        SecurityAlgorithms.EcdsaSha512,
    ];

    private static readonly Problem ProviderUnavailable = Problem.Of(
        StatusCodes.Status503ServiceUnavailable,
        ErrorCode.Unavailable,
        "The Bearer token cannot be checked: the keys of its issuer cannot be read right now. Try again in a moment, or send an API key."
    ) with
    {
        RetryAfter = 5,
    };

    /// <summary>Adds the handler when an authority or a key is configured.</summary>
    public static void AddBearerTokens(this IServiceCollection services, IConfiguration configuration)
    {
        var jwt = configuration.GetSection("Authentication:Jwt").Get<JwtOptions>() ?? new JwtOptions();
        if (!jwt.IsConfigured)
            return;
        services
            .AddAuthentication()
            .AddJwtBearer(options =>
            {
                options.MapInboundClaims = false;
                options.TokenValidationParameters = new TokenValidationParameters
                {
                    ValidAudience = jwt.Audience,
                    ValidIssuer = jwt.Issuer,
                    ClockSkew = TimeSpan.FromSeconds(30),
                    RequireExpirationTime = true,
                    RequireSignedTokens = true,
                };
                options.Events = new JwtBearerEvents
                {
                    OnTokenValidated = context =>
                    {
                        context.HttpContext.Features.Set(TokenIdentity.Of((JsonWebToken)context.SecurityToken, jwt.EmailClaim));
                        return Task.CompletedTask;
                    },
                };
                if (string.IsNullOrEmpty(jwt.SigningKey))
                    UseProvider(options, jwt);
                else
                    UseSharedKey(options, jwt.SigningKey);
            });
        // The handler creates its reader of keys after it is configured.
        services.PostConfigure<JwtBearerOptions>(
            JwtBearerDefaults.AuthenticationScheme,
            options =>
            {
                // By default, keys of an hour ago still pass where current keys fail. A withdrawn key must stop working once the provider is read again.
                if (options.ConfigurationManager is BaseConfigurationManager manager)
                    manager.UseLastKnownGoodConfiguration = false;
            }
        );
    }

    /// <summary>The email address in the request's token, or the answer to a token without a usable one.</summary>
    public static async Task<(string? Email, Problem? Problem)> IdentifyAsync(HttpContext context)
    {
        if (!await IsProviderKnownAsync(context))
            return (null, ProviderUnavailable);
        var result = await context.AuthenticateAsync(JwtBearerDefaults.AuthenticationScheme);
        if (!result.Succeeded || context.Features.Get<TokenIdentity>() is not { } identity)
            return (null, Problem.Unauthorized(Explain(result.Failure)));
        return identity.Email is { } email ? (email, null) : (null, Problem.Unauthorized(identity.Refusal!));
    }

    private static void UseSharedKey(JwtBearerOptions options, string signingKey)
    {
        options.TokenValidationParameters.IssuerSigningKey = new SymmetricSecurityKey(Convert.FromBase64String(signingKey));
        options.TokenValidationParameters.ValidAlgorithms = [SecurityAlgorithms.HmacSha256];
    }

    private static void UseProvider(JwtBearerOptions options, JwtOptions jwt)
    {
        options.Authority = jwt.Authority!.AbsoluteUri;
        options.TokenValidationParameters.ValidAlgorithms = ProviderAlgorithms;
        options.AutomaticRefreshInterval = jwt.KeyRefreshInterval;
        options.RefreshInterval = jwt.KeyRetryInterval;
        options.BackchannelTimeout = ProviderTimeout;
        if (!string.IsNullOrEmpty(jwt.CaPath))
            options.BackchannelHttpHandler = new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = TrustOnly(jwt.CaPath) } };
    }

    private static X509ChainPolicy TrustOnly(string path)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(path);
        return policy;
    }

    // Without the provider's keys the handler would refuse every token, and a client would think that its token is invalid. Once read, the keys are kept
    // however long the provider is unreachable.
    private static async Task<bool> IsProviderKnownAsync(HttpContext context)
    {
        var options = context.RequestServices.GetRequiredService<IOptionsMonitor<JwtBearerOptions>>().Get(JwtBearerDefaults.AuthenticationScheme);
        if (options.ConfigurationManager is not { } manager)
            return true;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        limit.CancelAfter(ProviderTimeout);
        try
        {
            await manager.GetConfigurationAsync(limit.Token).WaitAsync(limit.Token);
            return true;
        }
        catch (Exception error) when (!context.RequestAborted.IsCancellationRequested && error is not OutOfMemoryException)
        {
            Log.ProviderUnavailable(
                context.RequestServices.GetRequiredService<ILogger<AccessMiddleware>>(),
                options.Authority,
                error.GetBaseException().Message
            );
            return false;
        }
    }

    // Explains only what the owner of the token can fix; more detail would help to forge one.
    private static string Explain(Exception? failure) =>
        failure switch
        {
            SecurityTokenExpiredException => "The Bearer token has expired. Get a new one.",
            SecurityTokenNotYetValidException => "The Bearer token is not valid yet. Check the clock of its issuer.",
            SecurityTokenInvalidAudienceException => "The Bearer token is for another audience.",
            _ => "The Bearer token is not valid here.",
        };

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Cannot read the keys of the issuer {Authority}; Bearer tokens get 503: {Reason}")]
        public static partial void ProviderUnavailable(ILogger logger, string? authority, string reason);
    }
}
