using System.Net;
using k8s;
using k8s.Models;

namespace UrlShortener.ControllerRuntime.Api;

/// <summary>The API server refused a request. What it answered tells whether that was to be expected.</summary>
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

    /// <summary>There is no such object, or no such kind.</summary>
    public bool IsNotFound => StatusCode == HttpStatusCode.NotFound;

    /// <summary>The object changed since it was read, or another field manager owns the field.</summary>
    public bool IsConflict => StatusCode == HttpStatusCode.Conflict && !IsAlreadyExists;

    /// <summary>An object of this name is there already.</summary>
    public bool IsAlreadyExists => StatusCode == HttpStatusCode.Conflict && Reason == "AlreadyExists";

    /// <summary>The server no longer has the resource version or the page that was asked for.</summary>
    public bool IsGone => StatusCode == HttpStatusCode.Gone;

    /// <summary>Nothing can be created in the namespace any more. Older servers say it in the message only.</summary>
    public bool IsNamespaceTerminating => StatusCode == HttpStatusCode.Forbidden
        && (_status?.Details?.Causes?.Any(cause => cause.Reason == TerminatingCause) == true
            || _status?.Message?.Contains(TerminatingText, StringComparison.Ordinal) == true);

    /// <summary>Reads an answer's body.</summary>
    public static ApiException Of(HttpMethod method, string path, HttpStatusCode statusCode, string body)
    {
        var status = TryRead(body);
        var code = (int)statusCode;
        return new ApiException($"{method} {path} was answered with {code} {statusCode}: {status?.Message ?? "no message"}", statusCode, status);
    }

    /// <summary>Reads a status that came as the object of a watch event.</summary>
    public static ApiException Of(string path, V1Status status) =>
        new($"The watch of {path} was ended with {status.Code} {status.Reason}: {status.Message}", (HttpStatusCode)(status.Code ?? 0), status);

    private static V1Status? TryRead(string body)
    {
        try
        {
            return KubernetesJson.Deserialize<V1Status>(body);
        }
        catch (System.Text.Json.JsonException)
        {
            // A proxy on the way answered, in its own words.
            return null;
        }
    }
}
