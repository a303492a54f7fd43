using System.Diagnostics;
using UrlShortener.Runtime.Codes;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Telemetry;
using UrlShortener.Tracing;

namespace UrlShortener.Runtime.Tracing;

/// <summary>
/// The span of a request. ASP.NET Core's own would have the caller's trace as its parent, whoever the caller is: anybody could then have each of their requests
/// recorded, and choose the identifiers under which it is.
/// </summary>
internal sealed class TracingMiddleware(RequestDelegate next, TracingOptions options, TrustedProxies proxies, IConfiguration configuration)
{
    private const string OtherMethod = "_OTHER";

    // W3C Trace Context: a longer one may be dropped.
    private const int LongestState = 512;

    private static readonly string[] Untraced = ["/metrics", "/health"];
    private static readonly string[] Methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];

    private readonly Draw _draw = new(options.SampleRatio);
    private readonly int? _managementPort = ManagementPort.PortOf(configuration);

    /// <summary>Runs the rest of the pipeline, within a span if the request is to be recorded.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        // Probes and scrapes.
        foreach (var path in Untraced)
        {
            if (context.Request.Path.StartsWithSegments(path, StringComparison.OrdinalIgnoreCase))
                return next(context);
        }

        var parent = IsTrusted(context) ? ReadContext(context.Request.Headers) : default;
        return parent != default || _draw.TakesNext() ? TraceAsync(context, parent) : next(context);
    }

    private async Task TraceAsync(HttpContext context, ActivityContext parent)
    {
        var method = Array.Find(Methods, known => known.Equals(context.Request.Method, StringComparison.Ordinal)) ?? OtherMethod;
        using var span = Spans.StartRequest(method, parent);
        // The trace continues, and is not recorded.
        if (span is not { IsAllDataRequested: true })
        {
            await next(context);
            return;
        }

        if (parent == default && ReadContext(context.Request.Headers) is var caller && caller != default)
            span.AddLink(new ActivityLink(new ActivityContext(caller.TraceId, caller.SpanId, caller.TraceFlags, traceState: null, isRemote: true)));
        try
        {
            await next(context);
            Describe(span, method, context, StatusOf(context));
        }
        catch (Exception error)
        {
            // The server answers.
            Describe(span, method, context, StatusOf(context, StatusCodes.Status500InternalServerError));
            span.Fail(error);
            throw;
        }
    }

    // The operator, or a proxy that is known to set the header itself.
    private bool IsTrusted(HttpContext context) =>
        (options.TrustProxies && proxies.IsConnectedBy(context)) || (_managementPort is { } port && context.Connection.LocalPort == port);

    private static ActivityContext ReadContext(IHeaderDictionary headers)
    {
        if (headers.TraceParent is not [{ } parent])
            return default;
        var state = headers.TraceState.ToString();
        return ActivityContext.TryParse(parent, state.Length is > 0 and <= LongestState ? state : null, isRemote: true, out var caller) ? caller : default;
    }

    // Nobody gets the answer to a request whose client is gone.
    private static int StatusOf(HttpContext context, int? status = null) =>
        context.RequestAborted.IsCancellationRequested ? MeasuredOperation.ClientClosedRequest : status ?? context.Response.StatusCode;

    private static void Describe(Activity span, string method, HttpContext context, int status)
    {
        var request = context.Request;
        span.SetTag("http.request.method", method);
        span.SetTag("url.scheme", request.Scheme);
        span.SetTag("network.protocol.version", request.Protocol.StartsWith("HTTP/", StringComparison.Ordinal) ? request.Protocol[5..] : request.Protocol);
        span.SetTag("http.response.status_code", status);
        if (context.GetEndpoint() is RouteEndpoint { RoutePattern.RawText: { } route })
        {
            span.DisplayName = $"{(method == OtherMethod ? "HTTP" : method)} {route}";
            span.SetTag("http.route", route);
            // Any other path is what a caller made up, such as a target with its query.
            if (request.RouteValues.All(value => value is { Key: "short_code", Value: string code } && ShortCode.IsValid(code)))
                span.SetTag("url.path", request.Path.Value);
        }

        if (status >= StatusCodes.Status500InternalServerError)
            span.SetStatus(ActivityStatusCode.Error).SetTag("error.type", status.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }
}
