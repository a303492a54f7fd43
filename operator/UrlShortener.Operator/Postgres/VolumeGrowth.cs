using k8s.Models;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Postgres;

/// <summary>
/// The growth of the members' volumes. The template of a StatefulSet cannot change, so it keeps the size with which it was created, and the operator raises the
/// request of each claim, also of one that a new member gets. Pure.
/// </summary>
internal static class VolumeGrowth
{
    private const string Storage = "storage";

    /// <summary>Size in the StatefulSet's template: the one with which it was created.</summary>
    /// <param name="region">The region.</param>
    /// <param name="set">The StatefulSet; null: there is none yet.</param>
    public static ResourceQuantity TemplateSizeOf(V1Alpha1ShortenerRegion region, V1StatefulSet? set) =>
        set?.Spec?.VolumeClaimTemplates is [{ } claim, ..] ? RequestOf(claim) ?? region.Spec.Postgres!.Storage.Size : region.Spec.Postgres!.Storage.Size;

    /// <summary>Whether claims are to be larger than those that the StatefulSet creates.</summary>
    public static bool IsWanted(V1Alpha1ShortenerRegion region, V1StatefulSet? set) =>
        region.Spec.Postgres!.Storage.Size.ToDecimal() > TemplateSizeOf(region, set).ToDecimal();

    /// <summary>Why the size cannot be the one that is asked for; null: it can.</summary>
    public static Obstacle? FindShrink(V1Alpha1ShortenerRegion region, V1StatefulSet? set)
    {
        var (wanted, has) = (region.Spec.Postgres!.Storage.Size, TemplateSizeOf(region, set));
        return wanted.ToDecimal() < has.ToDecimal()
            ? new Obstacle(Reasons.InvalidSpec, $"spec.postgres.storage.size: is {wanted}, and the volumes have {has}. Volumes cannot shrink. Raise it.")
            : null;
    }

    /// <summary>Claims whose request is to be raised.</summary>
    /// <param name="claims">The members' claims.</param>
    /// <param name="size">The wanted size.</param>
    public static IReadOnlyList<V1PersistentVolumeClaim> FindSmall(IEnumerable<V1PersistentVolumeClaim> claims, ResourceQuantity size) =>
        [.. claims.Where(claim => RequestOf(claim) is { } request && request.ToDecimal() < size.ToDecimal())];

    /// <summary>What the volumes that do not have the size yet have, a part of a sentence; null: all have it.</summary>
    /// <param name="claims">The members' claims.</param>
    /// <param name="size">The wanted size.</param>
    public static string? Describe(IEnumerable<V1PersistentVolumeClaim> claims, ResourceQuantity size)
    {
        var small = claims
            .Where(claim => (CapacityOf(claim)?.ToDecimal() ?? 0) < size.ToDecimal())
            .Select(claim => $"{claim.Metadata.Name} has {CapacityOf(claim)?.ToString() ?? "no volume"}{Explain(claim)}")
            .ToList();
        return small.Count == 0 ? null : $"volumes grow to {size}: {string.Join(", ", small)}";
    }

    private static string Explain(V1PersistentVolumeClaim claim) =>
        claim.Status?.Conditions?.FirstOrDefault(condition => condition is { Status: "True", Message.Length: > 0 }) is { } condition
            ? $" ({Pods.LastWords.Clean(condition.Message)})"
            : "";

    private static ResourceQuantity? RequestOf(V1PersistentVolumeClaim claim) =>
        claim.Spec?.Resources?.Requests is { } requests && requests.TryGetValue(Storage, out var request) ? request : null;

    private static ResourceQuantity? CapacityOf(V1PersistentVolumeClaim claim) =>
        claim.Status?.Capacity is { } capacity && capacity.TryGetValue(Storage, out var has) ? has : null;
}
