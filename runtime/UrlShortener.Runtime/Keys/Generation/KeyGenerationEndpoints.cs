using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using UrlShortener.Contracts;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Http;

namespace UrlShortener.Runtime.Keys.Generation;

/// <summary>/kgs/v1: status and commands of the service, for the region's operator. Each call needs the token of <see cref="KgsOptions.Token"/>.</summary>
internal sealed class KeyGenerationEndpoints(
    KgsOptions options,
    IKeyBatchStore registry,
    GenerationSteps steps,
    KeyEpoch epoch,
    KeyGenerationState state,
    RefillSignal refill
)
{
    private const int MaxBody = 1_024;
    private const string BearerPrefix = "Bearer ";

    private static readonly Problem Unauthorized = Problem.Of(
        StatusCodes.Status401Unauthorized,
        ErrorCode.Unauthorized,
        "This needs the token of Kgs:Token, sent as Authorization: Bearer <token>."
    );

    private static readonly Problem BadEpoch = Problem.Of([
        new FieldError("epoch", ErrorCode.InvalidRequest, $"epoch must be a whole number from 1 to {Limits.MaxEpoch}."),
    ]);

    private readonly byte[] _tokenHash = SHA256.HashData(Encoding.UTF8.GetBytes(options.Token ?? ""));

    /// <summary>GET /kgs/v1/status.</summary>
    public Task GetStatusAsync(HttpContext context) => WriteStatusAsync(context, StatusCodes.Status200OK);

    /// <summary>POST /kgs/v1/refill: fills the pool to its target now, at any level.</summary>
    public async Task RefillAsync(HttpContext context)
    {
        if (HasBody(context))
        {
            var (_, problem) = await ReadAsync(context, KeyGenerationJson.Instance.RefillRequest);
            if (problem is not null)
            {
                await problem.WriteAsync(context);
                return;
            }
        }

        refill.Command();
        await WriteStatusAsync(context, StatusCodes.Status202Accepted);
    }

    /// <summary>POST /kgs/v1/epochs: opens an epoch, which voids all unused codes of older epochs. Idempotent.</summary>
    public async Task OpenEpochAsync(HttpContext context)
    {
        var (request, problem) = await ReadAsync(context, KeyGenerationJson.Instance.OpenEpochRequest);
        if (problem is null && request!.Epoch is not (>= 1 and <= Limits.MaxEpoch))
            problem = BadEpoch;
        if (problem is not null)
        {
            await problem.WriteAsync(context);
            return;
        }

        var wanted = request!.Epoch!.Value;
        var inForce = await steps.RunAsync(GenerationStep.Epoch, token => registry.OpenEpochAsync(wanted, token), context.RequestAborted);
        epoch.Observe(inForce);
        if (inForce > wanted)
        {
            var error = $"Epoch {inForce} is in force; {wanted} is older. Open a newer one.";
            await Problem.Of(StatusCodes.Status409Conflict, ErrorCode.EpochClosed, error).WriteAsync(context);
            return;
        }

        // The worker sets the new epoch in the pool and fills the pool of that epoch.
        refill.Command();
        await WriteStatusAsync(context, StatusCodes.Status200OK);
    }

    /// <summary>Passes a request on only if it has the token.</summary>
    public RequestDelegate Guard(RequestDelegate next) =>
        context =>
        {
            if (HasToken(context.Request))
                return next(context);
            context.Response.Headers.WWWAuthenticate = "Bearer";
            return Unauthorized.WriteAsync(context);
        };

    // Compares hashes, so that the response time reveals neither the length of the token nor its first wrong character.
    private bool HasToken(HttpRequest request) =>
        !string.IsNullOrEmpty(options.Token)
        && request.Headers.Authorization is [{ } value]
        && value.StartsWith(BearerPrefix, StringComparison.OrdinalIgnoreCase)
        && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(value[BearerPrefix.Length..])), _tokenHash);

    private static bool HasBody(HttpContext context) =>
        context.Request.ContentLength is { } length ? length > 0 : context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? false;

    private static async Task<(T? Value, Problem? Problem)> ReadAsync<T>(HttpContext context, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        var (body, problem) = await RequestBody.ReadAsync(context, MaxBody, context.RequestServices.GetRequiredService<BodyBudget>().Open("kgs"));
        using var pieces = body;
        if (problem is not null)
            return (null, problem);
        var parsed = RequestBody.Parse(body.Bytes, type);
        return parsed.Errors.Count > 0 ? (null, Problem.Of(parsed.Errors)) : (parsed.Value, null);
    }

    private Task WriteStatusAsync(HttpContext context, int status)
    {
        context.Response.Headers.CacheControl = "no-store";
        return Reply.WriteJsonAsync(context, status, state.Read(), KeyGenerationJson.Instance.KeyGenerationStatus);
    }
}
