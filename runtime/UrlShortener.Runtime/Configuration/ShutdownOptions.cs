using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Shutdown</c>: how the process leaves.</summary>
internal sealed class ShutdownOptions
{
    /// <summary>
    /// How long after SIGTERM requests are still taken while <c>/health/ready</c> says no, so that whoever sends traffic has noticed before connections are
    /// refused. Default 0: refused at once. Behind a load balancer a little more than it takes to notice.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:20")]
    public TimeSpan DrainDelay { get; set; }
}
