using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace UrlShortener.Operator.Webhooks;

/// <summary>Ready when there is a certificate to serve with, so that the API server is not led to a replica that cannot answer.</summary>
internal sealed class CertificateCheck(ServingCertificate serving) : IHealthCheck
{
    /// <inheritdoc />
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        serving.Current is null ? HealthCheckResult.Unhealthy("The webhook has no certificate yet.") : HealthCheckResult.Healthy());
}
