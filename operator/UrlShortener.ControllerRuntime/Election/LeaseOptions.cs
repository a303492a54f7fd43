namespace UrlShortener.ControllerRuntime.Election;

/// <summary>Settings of the election.</summary>
public sealed class LeaseOptions
{
    /// <summary>Whether there is an election. Without an election this process always leads.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Name of the Lease.</summary>
    public string Name { get; set; } = "controller";

    /// <summary>Its namespace; empty: that of the process.</summary>
    public string Namespace { get; set; } = "";

    /// <summary>Labels of a Lease that this process creates.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; set; } = new Dictionary<string, string>();

    /// <summary>Field manager of the Lease: the name that the API server records for a write.</summary>
    public string FieldManager { get; set; } = "controller";

    /// <summary>Identity of this process; unique per start, so that a process never mistakes its predecessor's lease for its own.</summary>
    public string Identity { get; set; } = $"{Environment.MachineName}_{Guid.NewGuid():N}";

    /// <summary>Time without a renewal after which another process may take the lease.</summary>
    public TimeSpan Duration { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// A leader that cannot renew for this time exits. Below <see cref="Duration"/>, so that all its requests have ended before another one leads.
    /// </summary>
    public TimeSpan RenewDeadline { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Time between attempts.</summary>
    public TimeSpan RetryPeriod { get; set; } = TimeSpan.FromSeconds(2);
}
