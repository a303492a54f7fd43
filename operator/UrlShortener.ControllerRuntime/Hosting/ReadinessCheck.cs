using Microsoft.Extensions.Diagnostics.HealthChecks;
using UrlShortener.ControllerRuntime.Informers;

namespace UrlShortener.ControllerRuntime.Hosting;

/// <summary>Ready while every informer is synced, the server serves its kind, and has received data from the API server recently.</summary>
internal sealed class ReadinessCheck(IEnumerable<IInformer> informers) : IHealthCheck
{
    /// <summary>Maximum silence. Twice the time after which an informer reopens a silent watch.</summary>
    private static readonly TimeSpan MaxSilence = TimeSpan.FromMinutes(3);

    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var problems = informers.Select(FindProblem).OfType<string>().ToList();
        return Task.FromResult(problems.Count == 0 ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy(string.Join(" ", problems)));
    }

    private static string? FindProblem(IInformer informer) =>
        !informer.HasSynced ? $"The cache of {informer.Kind} is not synced{(informer.IsNotServed ? ", because the server does not serve the kind" : "")}."
        : informer is { IsNotServed: true, IsOptional: false } ? $"The server no longer serves {informer.Kind}. Install its definition."
        : informer.SilentFor > MaxSilence ? $"The server sent nothing about {informer.Kind} for {informer.SilentFor.TotalSeconds:0} s."
        : null;
}
