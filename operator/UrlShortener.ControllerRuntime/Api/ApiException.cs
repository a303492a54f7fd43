using System.Net;
using k8s;
using k8s.Models;

namespace UrlShortener.ControllerRuntime.Api;

/// <summary>The API server refused a request. The properties distinguish expected refusals from others.</summary>
public sealed class ApiException : Exception
{
    private const string TerminatingCause = "NamespaceTerminating";
    private const string NamespacesKind = "namespaces";
    private const string TerminatingText = "because it is being terminated";

    // With server-side apply, some invalid objects cause an internal error, such as a list with two elements of the same key.
    private const string TypedText = "failed to create typed ";

    // A webhook with the failure policy Fail does not answer.
    private const string WebhookText = "failed calling webhook";

    private readonly V1Status? _status;

    private ApiException(string message, HttpStatusCode statusCode, V1Status? status)
        : base(message)
    {
        StatusCode = statusCode;
        _status = status;
    }

    /// <summary>The answer's status code.</summary>
    public HttpStatusCode StatusCode { get; }

    /// <summary>The answer's machine-readable reason, such as <c>Conflict</c>; null when the answer did not come from the API server itself.</summary>
    public string? Reason => _status?.Reason;

    /// <summary>The object or the kind does not exist.</summary>
    public bool IsNotFound => StatusCode == HttpStatusCode.NotFound;

    /// <summary>The object changed since it was read, or another field manager owns the field.</summary>
    public bool IsConflict => StatusCode == HttpStatusCode.Conflict && !IsAlreadyExists;

    /// <summary>An object with this name exists already.</summary>
    public bool IsAlreadyExists => StatusCode == HttpStatusCode.Conflict && Reason == "AlreadyExists";

    /// <summary>The server no longer has the requested resource version or page.</summary>
    public bool IsGone => StatusCode == HttpStatusCode.Gone;

    /// <summary>
    /// The namespace is being deleted or is gone, so that nothing can be created in it. Some servers say the former only in the message. The latter may be known
    /// before the deletion of what was in it is.
    /// </summary>
    public bool IsNamespaceTerminating =>
        (
            StatusCode == HttpStatusCode.Forbidden
            && (
                _status?.Details?.Causes?.Any(cause => cause.Reason == TerminatingCause) == true
                || _status?.Message?.Contains(TerminatingText, StringComparison.Ordinal) == true
            )
        ) || (IsNotFound && _status?.Details?.Kind == NamespacesKind);

    /// <summary>
    /// The server refuses the content of the request, such as an invalid object. Replacing the conflicting fields may succeed.
    /// </summary>
    public bool IsInvalid => StatusCode == HttpStatusCode.UnprocessableEntity || HasInternalError(TypedText);

    /// <summary>
    /// The server, one of its policies or one of its webhooks refuses the content of the request: the same request is refused again until someone changes
    /// something. False for conflicts, for namespaces that are being deleted, and for servers that are busy or do not know this client.
    /// </summary>
    public bool IsRefusal =>
        IsInvalid
        || HasInternalError(WebhookText)
        || (
            (int)StatusCode is >= 400 and < 500
            && StatusCode
                is not (
                    HttpStatusCode.Unauthorized
                    or HttpStatusCode.RequestTimeout
                    or HttpStatusCode.Conflict
                    or HttpStatusCode.Gone
                    or HttpStatusCode.TooManyRequests
                )
            && !IsNamespaceTerminating
        );

    /// <summary>The server's own message; the whole message when the answer did not come from the API server itself.</summary>
    public string ServerMessage => string.IsNullOrEmpty(_status?.Message) ? Message : _status.Message;

    /// <summary>Reads an answer's body.</summary>
    public static ApiException Of(HttpMethod method, string path, HttpStatusCode statusCode, string body)
    {
        var status = TryRead(body);
        var code = (int)statusCode;
        return new ApiException($"{method} {path} returned {code} {statusCode}: {status?.Message ?? "no message"}", statusCode, status);
    }

    /// <summary>Reads a status that arrived as the object of a watch event.</summary>
    public static ApiException Of(string path, V1Status status) =>
        new($"The server ended the watch of {path} with {status.Code} {status.Reason}: {status.Message}", (HttpStatusCode)(status.Code ?? 0), status);

    private bool HasInternalError(string text) =>
        StatusCode == HttpStatusCode.InternalServerError && _status?.Message?.Contains(text, StringComparison.Ordinal) == true;

    private static V1Status? TryRead(string body)
    {
        try
        {
            return KubernetesJson.Deserialize<V1Status>(body);
        }
        catch (System.Text.Json.JsonException)
        {
            // A proxy answered with its own format.
            return null;
        }
    }
}
