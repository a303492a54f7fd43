using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Shutdown</c>: how the process stops.</summary>
internal sealed class ShutdownOptions
{
    /// <summary>
    /// How long after SIGTERM requests are still accepted while <c>/health/ready</c> reports not ready, so that load balancers notice before connections are
    /// refused. Default 0: refused at once. Behind a load balancer, set a little more than the time that it needs to notice.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:20")]
    public TimeSpan DrainDelay { get; set; }
}
