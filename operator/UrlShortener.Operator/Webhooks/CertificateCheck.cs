using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace UrlShortener.Operator.Webhooks;

/// <summary>Ready once there is a serving certificate, so that the API server never calls a replica that cannot answer.</summary>
internal sealed class CertificateCheck(ServingCertificate serving) : IHealthCheck
{
    /// <inheritdoc />
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(serving.Current is null ? HealthCheckResult.Unhealthy("The webhook has no certificate yet.") : HealthCheckResult.Healthy());
}
