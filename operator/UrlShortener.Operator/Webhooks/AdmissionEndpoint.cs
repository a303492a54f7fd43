using System.Text.Json;
using k8s;
using Microsoft.AspNetCore.Http.Features;

namespace UrlShortener.Operator.Webhooks;

/// <summary>Answers admission requests of the API server.</summary>
internal sealed class AdmissionEndpoint(ScaledObjects objects, ILogger<AdmissionEndpoint> logger)
{
    /// <summary>Path of the endpoint.</summary>
    public const string Path = "/admission/v1";

    // A request to the API server may have 3 MiB; an AdmissionReview contains the new and the old object.
    private const long MaxBody = 8 * 1024 * 1024;

    /// <summary>
    /// POST <see cref="Path"/>. Returns 400 or 413 for requests that no API server sends, and 500 if it cannot decide; the failure policy then applies.
    /// </summary>
    public async Task AnswerAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = MaxBody;
        var (request, code, problem) = await ReadAsync(context);
        if (request is null)
        {
            Log.Unreadable(logger, problem);
            context.Response.StatusCode = code;
            await context.Response.WriteAsync(problem, context.RequestAborted);
            return;
        }

        var decision = await DecideAsync(request, context.RequestAborted);
        if (request.Uid != AdmissionWarmup.Uid)
            WebhookMetrics.CountAdmission(request, decision);
        if (decision.Refusal is { } refusal && request.Uid != AdmissionWarmup.Uid)
            Log.Refused(logger, request.Operation, request.Resource?.Resource, request.Namespace, request.Name, refusal);
        var answer = new AdmissionReview
        {
            ApiVersion = AdmissionReview.Version,
            Kind = AdmissionReview.KubeKind,
            Response = decision.ToResponse(request.Uid!),
        };
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(KubernetesJson.Serialize(answer), context.RequestAborted);
    }

    private static async Task<(AdmissionRequest? Request, int Code, string Problem)> ReadAsync(HttpContext context)
    {
        AdmissionReview? review;
        try
        {
            using var reader = new StreamReader(context.Request.Body);
            review = KubernetesJson.Deserialize<AdmissionReview>(await reader.ReadToEndAsync(context.RequestAborted));
        }
        catch (JsonException error)
        {
            return (null, StatusCodes.Status400BadRequest, $"The body is not an AdmissionReview: {error.Message}");
        }
        catch (BadHttpRequestException error)
        {
            return (null, error.StatusCode, $"Cannot read the body: {error.Message}");
        }

        if (review?.ApiVersion != AdmissionReview.Version || review.Kind != AdmissionReview.KubeKind)
            return (null, StatusCodes.Status400BadRequest, $"The body must be an {AdmissionReview.KubeKind} of {AdmissionReview.Version}.");
        if (string.IsNullOrEmpty(review.Request?.Uid))
            return (null, StatusCodes.Status400BadRequest, "The AdmissionReview must contain a request with a uid.");
        return AdmissionPolicies.Find(review.Request.Resource) is null
            ? (
                null,
                StatusCodes.Status400BadRequest,
                $"This webhook does not validate {review.Request.Resource?.Resource} of " + $"{review.Request.Resource?.Group}."
            )
            : (review.Request, StatusCodes.Status200OK, "");
    }

    private async Task<AdmissionDecision> DecideAsync(AdmissionRequest request, CancellationToken cancellationToken)
    {
        var policy = AdmissionPolicies.Find(request.Resource)!;
        if (string.IsNullOrEmpty(request.SubResource))
            return policy.Judge(request);
        if (request.SubResource != "scale" || ReadReplicas(request.Object) is not { } replicas)
            return AdmissionDecision.Allowed;
        // The request contains only the number, not the object. The API server itself refuses to scale a missing object.
        var current = await objects.FindAsync(request.Resource!.Resource!, request.Namespace!, request.Name!, cancellationToken);
        return current is null ? AdmissionDecision.Allowed : policy.JudgeScale(current.Value, replicas);
    }

    private static int? ReadReplicas(JsonElement? scale) =>
        scale is { ValueKind: JsonValueKind.Object } map
        && map.TryGetProperty("spec", out var spec)
        && spec.ValueKind == JsonValueKind.Object
        && spec.TryGetProperty("replicas", out var replicas)
        && replicas.ValueKind == JsonValueKind.Number
        && replicas.TryGetInt32(out var number)
            ? number
            : null;
}
