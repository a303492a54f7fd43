using Prometheus;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Webhooks;

/// <summary>Metrics of admission and its certificates.</summary>
internal static class WebhookMetrics
{
    private static readonly Counter Requests = Metrics.CreateCounter(
        "shortener_admission_requests_total",
        "Requests that the webhook validated.",
        "resource",
        "operation",
        "result"
    );

    private static readonly Gauge NotAfter = Metrics.CreateGauge(
        "shortener_certificate_not_after_timestamp_seconds",
        "Time at which a certificate expires, in Unix seconds.",
        "certificate"
    );

    private static readonly Counter Failures = Metrics.CreateCounter("shortener_webhook_certificate_failures_total", "Failures of certificate maintenance.");

    private static readonly string[] Resources = [V1Alpha1ShortenerRegion.KubePlural, V1Alpha1KeyPool.KubePlural];
    private const string Other = "other";
    private static readonly string[] Operations = ["CREATE", "UPDATE", "DELETE", Other];
    private static readonly string[] Results = ["allowed", "warned", "refused"];

    /// <summary>Creates the series of every resource, operation and result, so that a rate sees the first request of each.</summary>
    public static void Prepare()
    {
        foreach (var resource in Resources.Append(Other))
        foreach (var operation in Operations)
        foreach (var result in Results)
            Requests.WithLabels(resource, operation, result);
    }

    /// <summary>Counts a decision. Whoever reaches the webhook may send any resource, so the label has only the known ones.</summary>
    public static void CountAdmission(AdmissionRequest request, AdmissionDecision decision)
    {
        var operation = Operations.Contains(request.Operation) ? request.Operation! : Other;
        var resource = Resources.Contains(request.Resource?.Resource) ? request.Resource!.Resource! : Other;
        var result =
            decision.Refusal is not null ? "refused"
            : decision.Warnings.Count > 0 ? "warned"
            : "allowed";
        Requests.WithLabels(resource, operation, result).Inc();
    }

    /// <summary>Sets the expiry of the current certificates.</summary>
    public static void SetCertificates(CertificateSet set)
    {
        NotAfter.WithLabels("webhook_authority").Set(set.Authority.NotAfter.ToUnixTimeSeconds());
        NotAfter.WithLabels("webhook_serving").Set(set.Serving.NotAfter.ToUnixTimeSeconds());
    }

    /// <summary>Counts a failure.</summary>
    public static void CountFailure() => Failures.Inc();
}
