using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using k8s.Models;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>When and how the write role moves between regions.</summary>
[Rule("self.healthyThreshold > self.unhealthyThreshold", "healthyThreshold must be above unhealthyThreshold, so that recovery is believed more slowly than failure")]
[Rule("self.mode != 'Automatic' || self.delaySeconds >= self.probeIntervalSeconds", "delaySeconds must be at least probeIntervalSeconds, so that one more probe is seen before a failover")]
[Rule("self.writeLeaseSeconds >= 3 * self.probeIntervalSeconds", "writeLeaseSeconds must be at least 3 * probeIntervalSeconds, so that a lost call does not stop writes")]
internal sealed record FailoverSpec
{
    /// <summary>Who decides.</summary>
    [Description("Automatic: the operators of the group move the write role. Manual: they say what they would do. Disabled: neither.")]
    public FailoverMode Mode { get; init; } = FailoverMode.Automatic;

    /// <summary>0: never primary.</summary>
    [Description("Preference as the next primary; the highest is taken first. 0: never.")]
    [Range(0, 100)]
    public int Priority { get; init; } = 50;

    /// <summary>Seconds.</summary>
    [Description("Seconds that the primary must be seen failing, after the first suspicion, before it is replaced. With mode Automatic at least probeIntervalSeconds.")]
    [Range(0, 3_600)]
    public int DelaySeconds { get; init; } = 30;

    /// <summary>Seconds.</summary>
    [Description("Seconds after a failover in which there is no further automatic one.")]
    [Range(60, 86_400)]
    public int CooldownSeconds { get; init; } = 1_800;

    /// <summary>Seconds.</summary>
    [Description("Seconds between two probes of a region.")]
    [Range(1, 60)]
    public int ProbeIntervalSeconds { get; init; } = 5;

    /// <summary>Probes.</summary>
    [Description("Failed probes in a row that make a region suspect.")]
    [Range(2, 20)]
    public int UnhealthyThreshold { get; init; } = 3;

    /// <summary>Probes.</summary>
    [Description("Good probes in a row that clear a region after a failover. Above unhealthyThreshold.")]
    [Range(2, 120)]
    public int HealthyThreshold { get; init; } = 12;

    /// <summary>Bytes of log that the candidate may lack.</summary>
    [Description("Most write-ahead log, in bytes such as 16Mi, that the next primary may lack.")]
    public ResourceQuantity MaxLagBytes { get; init; } = new("16Mi");

    /// <summary>Whether more than <see cref="MaxLagBytes"/> may be lost.</summary>
    [Description("Forbid: no failover to a region that lacks more than maxLagBytes. Allow: rather lose the last writes than wait.")]
    [OneOf("Forbid", "Allow")]
    public string DataLossPolicy { get; init; } = "Forbid";

    /// <summary>Regions that must agree.</summary>
    [Description("Regions that must see the primary failing.")]
    [Range(1, 5)]
    public int MinObservers { get; init; } = 2;

    /// <summary>How the role comes back.</summary>
    [Description("How the write role comes back to a region of higher priority.")]
    public FailbackSpec Failback { get; init; } = new();

    /// <summary>Seconds.</summary>
    [Description("Seconds that a primary may write without confirming its role. At least 3 * probeIntervalSeconds.")]
    [Range(15, 120)]
    public int WriteLeaseSeconds { get; init; } = 30;
}
