using UrlShortener.Tracing;

namespace UrlShortener.Operator.Configuration;

/// <summary>Section <c>Operator:Tracing</c>: traces of reconciles (OpenTelemetry).</summary>
internal sealed class TracingOptions : TraceOptions;
