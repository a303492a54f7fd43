using System.ComponentModel.DataAnnotations;
using UrlShortener.ControllerRuntime.Election;

namespace UrlShortener.Operator.Configuration;

/// <summary>Section <c>Operator:LeaderElection</c>: election of one replica as leader.</summary>
internal sealed class LeaderElectionOptions : IValidatableObject
{
    /// <summary>Whether replicas elect a leader. If false, run one replica. Default true.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Name of the Lease. The Role in <c>config/rbac/role.yaml</c> contains the name too. Default <c>urlshortener-operator</c>.</summary>
    [Required(AllowEmptyStrings = false)]
    public string LeaseName { get; set; } = "urlshortener-operator";

    /// <summary>Namespace of the Lease. Empty, the default: that of the process.</summary>
    public string Namespace { get; set; } = "";

    /// <summary>Time without a renewal after which another replica may take the lease. Whole seconds. Default 15 s.</summary>
    [Range(typeof(TimeSpan), "00:00:03", "00:05:00")]
    public TimeSpan Duration { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>A leader that cannot renew the lease for this time exits. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:02", "00:04:00")]
    public TimeSpan RenewDeadline { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Time between attempts. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.200", "00:01:00")]
    public TimeSpan RetryPeriod { get; set; } = TimeSpan.FromSeconds(2);

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Namespace.Length > 0 && !KubernetesNames.IsLabel(Namespace))
        {
            yield return new ValidationResult(
                $"is \"{Namespace}\", which is not a valid namespace name. Use at most 63 lower-case letters, digits and '-'.",
                [nameof(Namespace)]
            );
        }

        // A Lease stores it as a number of seconds, which the other replicas use.
        if (Duration.Ticks % TimeSpan.TicksPerSecond != 0)
            yield return new ValidationResult($"must be whole seconds, not {Duration}.", [nameof(Duration)]);
        if (RenewDeadline >= Duration)
            yield return new ValidationResult(
                $"must be below Operator:LeaderElection:Duration ({Duration}), so that all requests of a leader have ended " + "before another one starts.",
                [nameof(RenewDeadline)]
            );
        if (RetryPeriod * 2 > RenewDeadline)
            yield return new ValidationResult(
                $"must be at most half of Operator:LeaderElection:RenewDeadline ({RenewDeadline}), so that one lost request " + "does not end the leadership.",
                [nameof(RetryPeriod)]
            );
    }

    /// <summary>In the form that the controller runtime uses.</summary>
    internal LeaseOptions ToLease() =>
        new()
        {
            Enabled = Enabled,
            Name = LeaseName,
            Namespace = Namespace,
            Duration = Duration,
            RenewDeadline = RenewDeadline,
            RetryPeriod = RetryPeriod,
        };
}
