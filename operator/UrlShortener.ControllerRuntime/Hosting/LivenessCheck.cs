using Microsoft.Extensions.Diagnostics.HealthChecks;
using UrlShortener.ControllerRuntime.Queue;

namespace UrlShortener.ControllerRuntime.Hosting;

/// <summary>Live while no reconcile ignores its time limit: only the end of the process stops such a reconcile.</summary>
internal sealed class LivenessCheck(IEnumerable<IWorkAges> queues) : IHealthCheck
{
    /// <summary>Ten times the default limit of a reconcile.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(5);

    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var stuck = queues.Where(queue => queue.GetAges().Any(age => age > MaxAge)).Select(queue => queue.Name).ToList();
        return Task.FromResult(
            stuck.Count == 0
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy($"A reconcile of {string.Join(", ", stuck)} has run for more than {MaxAge.TotalMinutes} min.")
        );
    }
}
