using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace UrlShortener.Operator.Webhooks;

/// <summary>
/// Ready once there is a serving certificate and the webhook has answered its own test requests, so that the API server never calls a replica that cannot
/// answer in time.
/// </summary>
internal sealed class AdmissionCheck(ServingCertificate serving, AdmissionWarmup warmup) : IHealthCheck
{
    /// <inheritdoc />
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(
            serving.Current is null ? HealthCheckResult.Unhealthy("The webhook has no certificate yet.")
            : !warmup.IsDone ? HealthCheckResult.Unhealthy("The webhook has not answered its own requests yet.")
            : HealthCheckResult.Healthy()
        );
}
