using Microsoft.Extensions.Diagnostics.HealthChecks;
using UrlShortener.ControllerRuntime.Informers;

namespace UrlShortener.ControllerRuntime.Hosting;

/// <summary>Ready while every informer is in step with the API server and has heard from it lately.</summary>
internal sealed class ReadinessCheck(IEnumerable<IInformer> informers) : IHealthCheck
{
    /// <summary>Longest silence. Twice the time after which a silent watch is opened anew.</summary>
    private static readonly TimeSpan MaxSilence = TimeSpan.FromMinutes(3);

    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var problems = informers.Select(FindProblem).OfType<string>().ToList();
        return Task.FromResult(problems.Count == 0 ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy(string.Join(" ", problems)));
    }

    private static string? FindProblem(IInformer informer) =>
        !informer.HasSynced ? $"{informer.Kind} is not in step{(informer.IsNotServed ? ", since the server does not serve it" : "")}."
        : informer.SilentFor > MaxSilence ? $"Nothing was heard of {informer.Kind} for {informer.SilentFor.TotalSeconds:0} s."
        : null;
}
