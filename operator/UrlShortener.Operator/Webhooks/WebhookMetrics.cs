using Prometheus;

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
        "shortener_webhook_certificate_not_after_seconds",
        "Time at which a certificate of the webhook expires, in seconds since 1970.",
        "certificate"
    );

    private static readonly Counter Failures = Metrics.CreateCounter("shortener_webhook_certificate_failures_total", "Failures of certificate maintenance.");

    /// <summary>Counts a decision. Only requests for the operator's own resources arrive here, so there are few label values.</summary>
    public static void CountAdmission(AdmissionRequest request, AdmissionDecision decision)
    {
        var operation = request.Operation is "CREATE" or "UPDATE" or "DELETE" ? request.Operation : "other";
        var result =
            decision.Refusal is not null ? "refused"
            : decision.Warnings.Count > 0 ? "warned"
            : "allowed";
        Requests.WithLabels(request.Resource!.Resource!, operation, result).Inc();
    }

    /// <summary>Sets the expiry of the current certificates.</summary>
    public static void SetCertificates(CertificateSet set)
    {
        NotAfter.WithLabels("authority").Set(set.Authority.NotAfter.ToUnixTimeSeconds());
        NotAfter.WithLabels("serving").Set(set.Serving.NotAfter.ToUnixTimeSeconds());
    }

    /// <summary>Counts a failure.</summary>
    public static void CountFailure() => Failures.Inc();
}
