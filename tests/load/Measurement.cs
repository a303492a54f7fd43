using System.Text.Json.Serialization;

namespace UrlShortener.Load;

/// <summary>What wrk saw in one run. Latencies are wrk's, corrected for coordinated omission.</summary>
internal sealed record Measurement(
    long Requests,
    long DurationMicroseconds,
    long Bytes,
    long P50Microseconds,
    long P99Microseconds,
    long BadStatuses,
    long SocketErrors,
    double GeneratorCpuSeconds
)
{
    public double RequestsPerSecond => Requests * 1e6 / DurationMicroseconds;

    [JsonIgnore]
    public double BytesPerResponse => Requests == 0 ? 0 : (double)Bytes / Requests;

    [JsonIgnore]
    public long Errors => BadStatuses + SocketErrors;
}
