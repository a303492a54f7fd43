using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Tracing;

/// <summary>Where a process sends its spans, and how many. The sections of both programs derive from it.</summary>
public abstract class TraceOptions : IValidatableObject
{
    /// <summary>OTLP over HTTP/2.</summary>
    public const string Grpc = "grpc";

    /// <summary>OTLP over HTTP/1.1.</summary>
    public const string HttpProtobuf = "http/protobuf";

    /// <summary>The collector (OTLP), such as <c>http://otel-collector:4318</c>. Unset, the default: traces are off.</summary>
    public Uri? Endpoint { get; set; }

    /// <summary><c>http/protobuf</c> or <c>grpc</c>. Default <c>http/protobuf</c>.</summary>
    public string Protocol { get; set; } = HttpProtobuf;

    /// <summary>Share of traces that are recorded, of those that begin in this process; 0 to 1. Default 0.01.</summary>
    [Range(0.0, 1.0)]
    public double SampleRatio { get; set; } = 0.01;

    /// <summary>Headers for the collector, such as <c>Authorization=Bearer%20…</c>; several are separated by commas, values are percent-encoded. A secret.</summary>
    public string? Headers { get; set; }

    /// <summary>Whether traces are on.</summary>
    internal bool IsOn => Endpoint is { OriginalString.Length: > 0 };

    /// <inheritdoc />
    public virtual IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (IsOn && FindProblem(Endpoint!) is { } problem)
            yield return new ValidationResult(problem, [nameof(Endpoint)]);
        if (Protocol is not (Grpc or HttpProtobuf))
            yield return new ValidationResult($"must be {HttpProtobuf} or {Grpc}, not \"{Protocol}\".", [nameof(Protocol)]);
        // Never with the text, which is secret.
        if (!TraceHeaders.AreValid(Headers))
            yield return new ValidationResult(
                "must be pairs such as name=value, separated by commas, with names of HTTP headers and percent-encoded values.",
                [nameof(Headers)]
            );
    }

    private static string? FindProblem(Uri endpoint) =>
        !endpoint.IsAbsoluteUri || (endpoint.Scheme != Uri.UriSchemeHttp && endpoint.Scheme != Uri.UriSchemeHttps)
            ? $"must be an absolute http or https URL, not \"{endpoint.OriginalString}\"."
        : endpoint.UserInfo.Length > 0 ? "must not contain a user or a password; send them in Headers."
        : endpoint.Query.Length > 0 || endpoint.Fragment.Length > 0 ? "must not have a query or a fragment."
        : null;
}
