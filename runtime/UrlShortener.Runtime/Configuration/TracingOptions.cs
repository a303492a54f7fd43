using UrlShortener.Tracing;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Tracing</c>: traces of requests (OpenTelemetry).</summary>
internal sealed class TracingOptions : TraceOptions
{
    /// <summary>
    /// Whether a request through one of <see cref="ProxyOptions.Trusted"/> continues the trace that it names, and is recorded if that trace is. Only for proxies
    /// that replace or remove <c>traceparent</c> of visitors; otherwise any visitor decides what is recorded. Default false.
    /// </summary>
    public bool TrustProxies { get; set; }
}
