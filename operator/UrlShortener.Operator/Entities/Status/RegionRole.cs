namespace UrlShortener.Operator.Entities.Status;

/// <summary>Values of <see cref="RegionStatus.Role"/>. Strings, so that an older operator can read the role that a newer one wrote.</summary>
internal static class RegionRole
{
    /// <summary>Takes writes. Also the role of the only region of a group.</summary>
    public const string Primary = "Primary";

    /// <summary>Was the primary, and takes no writes any more because the role moves to another region.</summary>
    public const string Fenced = "Fenced";

    /// <summary>Redirects, with its smaller minimum number of pods.</summary>
    public const string Standby = "Standby";
}
