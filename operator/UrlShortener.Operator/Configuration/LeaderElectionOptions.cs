using System.ComponentModel.DataAnnotations;
using UrlShortener.ControllerRuntime.Election;

namespace UrlShortener.Operator.Configuration;

/// <summary>Section <c>Operator:LeaderElection</c>: which of several replicas works.</summary>
internal sealed class LeaderElectionOptions : IValidatableObject
{
    /// <summary>Whether there is an election. Without one there must be one replica only. Default true.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Name of the Lease. The Role in <c>config/rbac/role.yaml</c> names it too. Default <c>urlshortener-operator</c>.</summary>
    [Required(AllowEmptyStrings = false)]
    public string LeaseName { get; set; } = "urlshortener-operator";

    /// <summary>Its namespace. Empty, the default: that of the process.</summary>
    public string Namespace { get; set; } = "";

    /// <summary>A lease that was not renewed for so long is anybody's. Whole seconds. Default 15 s.</summary>
    [Range(typeof(TimeSpan), "00:00:03", "00:05:00")]
    public TimeSpan Duration { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>A leader that could not renew for so long stops. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:02", "00:04:00")]
    public TimeSpan RenewDeadline { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Time from one attempt to the next. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.200", "00:01:00")]
    public TimeSpan RetryPeriod { get; set; } = TimeSpan.FromSeconds(2);

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Namespace.Length > 0 && !KubernetesNames.IsLabel(Namespace))
            yield return new ValidationResult($"is \"{Namespace}\", which is no name of a namespace: at most 63 lower-case letters, digits and '-'.", [nameof(Namespace)]);
        // A Lease holds it as a number of seconds, which the others go by.
        if (Duration.Ticks % TimeSpan.TicksPerSecond != 0)
            yield return new ValidationResult($"must be whole seconds, not {Duration}.", [nameof(Duration)]);
        if (RenewDeadline >= Duration)
            yield return new ValidationResult($"must be below Operator:LeaderElection:Duration ({Duration}), so that what a leader sent has ended when another begins.", [nameof(RenewDeadline)]);
        if (RetryPeriod * 2 > RenewDeadline)
            yield return new ValidationResult($"must be at most half of Operator:LeaderElection:RenewDeadline ({RenewDeadline}), so that one lost request does not end a term.", [nameof(RetryPeriod)]);
    }

    /// <summary>As the controller runtime takes it.</summary>
    internal LeaseOptions ToLease() => new()
    {
        Enabled = Enabled,
        Name = LeaseName,
        Namespace = Namespace,
        Duration = Duration,
        RenewDeadline = RenewDeadline,
        RetryPeriod = RetryPeriod,
    };
}
