using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Regions;

/// <summary>Selects the active one of several pools of a region. Pure.</summary>
internal static class KeyPoolHolder
{
    /// <summary>The oldest one that is not being deleted; null: there is none.</summary>
    public static V1Alpha1KeyPool? Of(IReadOnlyList<V1Alpha1KeyPool> pools) =>
        pools
            .Where(pool => pool.Metadata.DeletionTimestamp is null)
            .OrderBy(pool => pool.Metadata.CreationTimestamp)
            .ThenBy(pool => pool.Metadata.Name, StringComparer.Ordinal)
            .FirstOrDefault();
}
