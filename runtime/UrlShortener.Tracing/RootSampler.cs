using System.Diagnostics;
using OpenTelemetry.Trace;

namespace UrlShortener.Tracing;

/// <summary>Decides about the first span of a trace. That of a request begins only if it was drawn (<see cref="Draw"/>), and is always recorded.</summary>
internal sealed class RootSampler(double ratio) : Sampler
{
    private readonly TraceIdRatioBasedSampler _others = new(ratio);

    /// <inheritdoc />
    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters) =>
        samplingParameters.Kind == ActivityKind.Server ? new SamplingResult(SamplingDecision.RecordAndSample) : _others.ShouldSample(samplingParameters);
}
