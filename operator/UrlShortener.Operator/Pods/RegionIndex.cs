namespace UrlShortener.Operator.Pods;

/// <summary>Indexes of the cache of regions.</summary>
internal static class RegionIndex
{
    /// <summary>Regions by group.</summary>
    public const string ByGroup = "group";
}
