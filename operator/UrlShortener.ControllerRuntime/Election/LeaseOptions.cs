namespace UrlShortener.ControllerRuntime.Election;

/// <summary>The lease that one of several processes holds.</summary>
public sealed class LeaseOptions
{
    /// <summary>Whether there is an election at all. Without one this process leads always.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Name of the Lease.</summary>
    public string Name { get; set; } = "controller";

    /// <summary>Its namespace; empty takes that of the process.</summary>
    public string Namespace { get; set; } = "";

    /// <summary>Name of this process among the candidates; unique per start, so that a process never takes its predecessor's lease for its own.</summary>
    public string Identity { get; set; } = $"{Environment.MachineName}_{Guid.NewGuid():N}";

    /// <summary>A lease that was not renewed for so long is anybody's.</summary>
    public TimeSpan Duration { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>A leader that could not renew for so long stops. Shorter than <see cref="Duration"/>, so that what it sent has ended when another begins.</summary>
    public TimeSpan RenewDeadline { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Time from one attempt to the next.</summary>
    public TimeSpan RetryPeriod { get; set; } = TimeSpan.FromSeconds(2);
}
