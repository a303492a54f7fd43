using k8s.Models;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Regions.Validation;

/// <summary>The rules of disks.</summary>
internal static class StorageRules
{
    /// <summary>All problems.</summary>
    /// <param name="field">Path of the storage.</param>
    /// <param name="storage">The storage.</param>
    /// <param name="oldStorage">What it replaces; null when it is new.</param>
    public static IEnumerable<SpecProblem> Check(string field, StorageSpec storage, StorageSpec? oldStorage)
    {
        if (oldStorage is not null && storage.StorageClassName != oldStorage.StorageClassName)
        {
            yield return new($"{field}.storageClassName",
                $"cannot be changed from {oldStorage.StorageClassName ?? "the default"} to {storage.StorageClassName ?? "the default"}: disks do not move between classes. Restore the old value.");
        }

        foreach (var problem in CheckGrowth($"{field}.size", storage.Size, oldStorage?.Size))
            yield return problem;
    }

    /// <summary>Kubernetes lets disks grow only.</summary>
    /// <param name="field">Path of the size.</param>
    /// <param name="size">The size; null: there is no such disk.</param>
    /// <param name="oldSize">What it replaces; null: nothing.</param>
    public static IEnumerable<SpecProblem> CheckGrowth(string field, ResourceQuantity? size, ResourceQuantity? oldSize)
    {
        if (size is not null && size.ToDecimal() <= 0)
            yield return new(field, $"is {size}; a disk needs a size above 0, such as 20Gi.");
        else if (oldSize is not null && size is not null && size.ToDecimal() < oldSize.ToDecimal())
            yield return new(field, $"cannot shrink from {oldSize} to {size}: disks only grow. Restore {oldSize} or more.");
    }
}
