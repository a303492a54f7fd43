using System.Net;
using k8s;
using k8s.Models;

namespace UrlShortener.ControllerRuntime.Api;

/// <summary>The API server refused a request. The properties tell expected refusals from others.</summary>
public sealed class ApiException : Exception
{
    private const string TerminatingCause = "NamespaceTerminating";
    private const string TerminatingText = "because it is being terminated";

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

    /// <summary>The namespace is being deleted, so that nothing can be created in it. Some servers say so only in the message.</summary>
    public bool IsNamespaceTerminating =>
        StatusCode == HttpStatusCode.Forbidden
        && (
            _status?.Details?.Causes?.Any(cause => cause.Reason == TerminatingCause) == true
            || _status?.Message?.Contains(TerminatingText, StringComparison.Ordinal) == true
        );

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
