using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.WebUtilities;
using UrlShortener.Runtime.Regions;

namespace UrlShortener.Runtime.Http;

/// <summary>An error of the API: RFC 9457 problem details with the specification's members added.</summary>
[Description("An error: RFC 9457 problem details, with `error` and `code`.")]
internal sealed record Problem
{
    /// <summary>Address of the page about this error, relative to the service.</summary>
    [Description("Address of the page about this error; `code` tells errors apart.")]
    public string Type => $"{ErrorPage.Path}#{Code}";

    /// <summary>The status in words.</summary>
    [Description("The HTTP status in words.")]
    public string Title => ReasonPhrases.GetReasonPhrase(Status);

    /// <summary>HTTP status.</summary>
    [Description("The HTTP status.")]
    public required int Status { get; init; }

    /// <summary>What is wrong and what to do, as a sentence; the same as <see cref="Error"/>.</summary>
    [Description("What is wrong and what to do about it.")]
    public string Detail => Error;

    /// <summary>What is wrong and what to do, as a sentence.</summary>
    [Description("What is wrong and what to do about it; the same text as `detail`.")]
    public required string Error { get; init; }

    /// <summary>See <see cref="ErrorCode"/>.</summary>
    [Description("One of a closed list of codes.")]
    public required string Code { get; init; }

    /// <summary>Seconds to wait; only with 429 and 503.</summary>
    [Description("Seconds to wait before trying again.")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? RetryAfter { get; init; }

    /// <summary>The fields with errors, when there are any.</summary>
    [Description("The fields at fault.")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<FieldError>? Errors { get; init; }

    /// <summary>An error about a request as a whole.</summary>
    public static Problem Of(int status, string code, string error) =>
        new()
        {
            Status = status,
            Code = code,
            Error = error,
        };

    /// <summary>A 400 about fields. Its code is that of the first field.</summary>
    public static Problem Of(IReadOnlyList<FieldError> errors) =>
        new()
        {
            Status = StatusCodes.Status400BadRequest,
            Code = errors[0].Code,
            Error = string.Join(' ', errors.Select(error => error.Message)),
            Errors = errors,
        };

    /// <summary>No such link.</summary>
    public static readonly Problem UrlNotFound = Of(StatusCodes.Status404NotFound, ErrorCode.UrlNotFound, "URL not found");

    /// <summary>The link has expired.</summary>
    public static readonly Problem UrlExpired = Of(StatusCodes.Status410Gone, ErrorCode.UrlExpired, "URL has expired");

    /// <summary>Somebody else's link.</summary>
    public static readonly Problem Forbidden = Of(StatusCodes.Status403Forbidden, ErrorCode.Forbidden, "Not authorized");

    /// <summary>The user would store more bytes than their quota.</summary>
    public static Problem QuotaExceeded(string error) => Of(StatusCodes.Status403Forbidden, ErrorCode.QuotaExceeded, error);

    /// <summary>The credential is missing or not valid.</summary>
    public static Problem Unauthorized(string error) => Of(StatusCodes.Status401Unauthorized, ErrorCode.Unauthorized, error);

    /// <summary>The store does not answer.</summary>
    public static readonly Problem Unavailable = Of(
        StatusCodes.Status503ServiceUnavailable,
        ErrorCode.Unavailable,
        "The service cannot reach its data right now. Try again in a moment."
    ) with
    {
        RetryAfter = 1,
    };

    /// <summary>The region takes no changes.</summary>
    public static Problem OfReadOnly(ReadOnlyRegion region) =>
        Of(StatusCodes.Status503ServiceUnavailable, ErrorCode.ReadOnlyRegion, region.Explain()) with
        {
            RetryAfter = ReadOnlyRegion.RetryAfterSeconds,
        };

    /// <summary>The address does not support the request's method.</summary>
    /// <param name="method">The method.</param>
    /// <param name="allow">The methods that the address supports, as in <c>Allow</c>. The caller sets that header.</param>
    public static Problem MethodNotAllowed(string method, string allow) =>
        Of(StatusCodes.Status405MethodNotAllowed, ErrorCode.MethodNotAllowed, $"This address does not accept {method}; it accepts {allow}.");

    /// <summary>Answers a request with this error, as <c>application/problem+json</c>.</summary>
    public Task WriteAsync(HttpContext context)
    {
        var response = context.Response;
        response.StatusCode = Status;
        if (RetryAfter is { } seconds)
            response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        response.Headers.CacheControl = "no-store";
        return Reply.WriteAsync(context, JsonSerializer.SerializeToUtf8Bytes(this, ApiJson.Instance.Problem), "application/problem+json");
    }
}

/// <summary>What is wrong with one field.</summary>
/// <param name="Field">Its name as the client wrote it.</param>
/// <param name="Code">See <see cref="ErrorCode"/>.</param>
/// <param name="Message">A sentence that names the field, the limit and what to do.</param>
internal sealed record FieldError(
    [property: Description("The field, query parameter or header.")] string Field,
    [property: Description("One of a closed list of codes.")] string Code,
    [property: Description("What is wrong with it and what to do.")] string Message
);
