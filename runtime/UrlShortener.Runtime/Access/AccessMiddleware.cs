using System.Globalization;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.RateLimiting;
using UrlShortener.Runtime.Users;

namespace UrlShortener.Runtime.Access;

/// <summary>Access levels of endpoints.</summary>
internal enum AccessLevel
{
    /// <summary>Everybody, without the API's rate limit: pictures in pages.</summary>
    Open,

    /// <summary>Everybody, within rate limits.</summary>
    Anonymous,

    /// <summary>Only users.</summary>
    User,
}

/// <summary>Guards the API: identifies the caller, applies the rate limit and checks the access level of the endpoint.</summary>
internal sealed class AccessMiddleware(
    RequestDelegate next,
    UserDirectory users,
    RateLimiter limiter,
    CredentialGate gate,
    RateLimitingOptions limits,
    AuthenticationOptions authentication
)
{
    private const string ApiKeyHeader = "X-API-Key";
    private const string BearerPrefix = "Bearer ";

    private static readonly Problem CredentialsDisagree = Problem.Unauthorized($"{ApiKeyHeader} and Authorization name different users. Send one of them.");

    /// <summary>Answers 401 or 429, or passes the request on with its <see cref="Caller"/> set.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        var level = context.GetEndpoint()?.Metadata.GetMetadata<AccessMetadata>()?.Level ?? AccessLevel.Anonymous;
        if (level == AccessLevel.Open)
        {
            await next(context);
            return;
        }

        var (user, refused) = await IdentifyAsync(context);
        if (limits.Enabled && await TakeTokenAsync(context, user) is { Allowed: false, RetryAfter: var retryAfter })
        {
            var problem = Problem.Of(
                StatusCodes.Status429TooManyRequests,
                ErrorCode.RateLimitExceeded,
                $"Too many requests. Wait {retryAfter} s, then try again."
            );
            await (problem with { RetryAfter = retryAfter }).WriteAsync(context);
        }
        else if (refused is not null)
        {
            await RefuseAsync(context, refused);
        }
        else if (user is null && level == AccessLevel.User)
        {
            await RefuseAsync(context, Problem.Unauthorized($"This needs a user. Send an API key in {ApiKeyHeader} or a Bearer token in Authorization."));
        }
        else
        {
            context.Features.Set(new Caller(user));
            await next(context);
        }
    }

    // An invalid credential is always refused and never treated as absent, even beside a valid one.
    private async ValueTask<(User? User, Problem? Refused)> IdentifyAsync(HttpContext context)
    {
        var headers = context.Request.Headers;
        if (!headers.TryGetValue(ApiKeyHeader, out var key))
            return headers.Authorization.Count == 0 ? (null, null) : await IdentifyByAuthorizationAsync(context, headers.Authorization.ToString());
        var byKey = await LookUpAsync(context, key.ToString(), () => IdentifyByKeyAsync(key.ToString(), context.RequestAborted));
        if (byKey.Refused is not null || headers.Authorization.Count == 0)
            return byKey;
        var byAuthorization = await IdentifyByAuthorizationAsync(context, headers.Authorization.ToString());
        return byAuthorization.Refused is not null || byAuthorization.User?.Id == byKey.User?.Id ? byAuthorization : (null, CredentialsDisagree);
    }

    private async ValueTask<(User? User, Problem? Refused)> IdentifyByAuthorizationAsync(HttpContext context, string authorization)
    {
        if (!authorization.StartsWith(BearerPrefix, StringComparison.OrdinalIgnoreCase))
            return (null, Problem.Unauthorized("Authorization takes a Bearer token only."));
        // Some clients, among them generated ones, support a single kind of credential and send API keys as Bearer tokens too.
        if (authorization[BearerPrefix.Length..].Trim() is var token && ApiKey.HasForm(token))
            return await LookUpAsync(context, token, () => IdentifyByKeyAsync(token, context.RequestAborted));
        return authentication.Jwt.IsConfigured
            ? await LookUpAsync(context, authorization, () => IdentifyByTokenAsync(context))
            : (null, Problem.Unauthorized($"Bearer tokens are not accepted here. Send an API key in {ApiKeyHeader}."));
    }

    private async ValueTask<(User? User, Problem? Refused)> LookUpAsync(
        HttpContext context,
        string credential,
        Func<ValueTask<(User? User, Problem? Refused)>> identify
    )
    {
        var (found, retryAfter) = await gate.LookUpAsync(
            context.Connection.RemoteIpAddress,
            credential,
            async () =>
            {
                var identified = await identify();
                return (identified, identified.Refused is { Status: StatusCodes.Status401Unauthorized });
            },
            context.RequestAborted
        );
        return retryAfter == 0
            ? found
            : (
                null,
                Problem.Of(
                    StatusCodes.Status429TooManyRequests,
                    ErrorCode.RateLimitExceeded,
                    $"Too many credentials from this address were not valid. Wait {retryAfter} s, then try again with a valid one."
                ) with
                {
                    RetryAfter = retryAfter,
                }
            );
    }

    private async ValueTask<(User? User, Problem? Refused)> IdentifyByKeyAsync(string key, CancellationToken cancellationToken) =>
        await users.FindByKeyAsync(key, cancellationToken) is { } user ? (user, null) : (null, Problem.Unauthorized("The API key is not valid."));

    private async ValueTask<(User? User, Problem? Refused)> IdentifyByTokenAsync(HttpContext context)
    {
        var (email, problem) = await BearerTokens.IdentifyAsync(context);
        if (email is null)
            return (null, problem);
        return await users.FindByEmailAsync(email, context.RequestAborted) is { } user
            ? (user, null)
            : (null, Problem.Unauthorized("The Bearer token names no user of this service."));
    }

    private async ValueTask<RateLimitDecision> TakeTokenAsync(HttpContext context, User? user)
    {
        var decision = await limiter.TakeAsync(user, context.Connection.RemoteIpAddress, context.RequestAborted);
        var policy = RateLimiter.PolicyOf(user);
        var headers = context.Response.Headers;
        headers["RateLimit-Policy"] = string.Create(CultureInfo.InvariantCulture, $"\"{policy}\";q={decision.Limit};w={TokenBucket.WindowSeconds}");
        headers["RateLimit"] = string.Create(CultureInfo.InvariantCulture, $"\"{policy}\";r={decision.Remaining};t={decision.Reset}");
        return decision;
    }

    private static Task RefuseAsync(HttpContext context, Problem problem)
    {
        if (problem.Status == StatusCodes.Status401Unauthorized)
            context.Response.Headers.WWWAuthenticate = "Bearer";
        return problem.WriteAsync(context);
    }
}

/// <summary>The caller of a request; the user is null for an anonymous caller.</summary>
internal sealed record Caller(User? User)
{
    /// <summary>The caller of a request that passed <see cref="AccessMiddleware"/>.</summary>
    public static User? UserOf(HttpContext context) => context.Features.Get<Caller>()?.User;

    /// <summary>The user of a request to an endpoint that requires a user.</summary>
    public static User RequiredUserOf(HttpContext context) =>
        UserOf(context) ?? throw new InvalidOperationException("The endpoint is not marked with RequireAccess(AccessLevel.User).");
}

/// <summary>Endpoint metadata with the access level.</summary>
internal sealed record AccessMetadata(AccessLevel Level);

/// <summary>Sets the access level of endpoints.</summary>
internal static class AccessExtensions
{
    /// <summary>Sets who may call an endpoint. Default: <see cref="AccessLevel.Anonymous"/>.</summary>
    public static TBuilder RequireAccess<TBuilder>(this TBuilder builder, AccessLevel level)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new AccessMetadata(level));
}
