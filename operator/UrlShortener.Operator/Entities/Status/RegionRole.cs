namespace UrlShortener.Operator.Entities.Status;

/// <summary>Values of <see cref="RegionStatus.Role"/>. Texts, so that one of a newer operator can be read by an older one.</summary>
internal static class RegionRole
{
    /// <summary>Takes writes. Also a region that is alone in its group.</summary>
    public const string Primary = "Primary";

    /// <summary>Follows the primary, and redirects.</summary>
    public const string Standby = "Standby";

    /// <summary>Kept from writing.</summary>
    public const string Fenced = "Fenced";

    /// <summary>On its way to primary.</summary>
    public const string Promoting = "Promoting";

    /// <summary>Cannot be told.</summary>
    public const string Unknown = "Unknown";
}
