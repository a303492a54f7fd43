using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Schedules;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Backups;

/// <summary>The rules of <c>spec.postgres.backup</c>.</summary>
internal static class BackupRules
{
    private const string Incomplete = "has no place. Set either claimRef, or endpoint, bucket and secretRef.";

    /// <summary>All problems.</summary>
    /// <param name="spec">The specification of the region.</param>
    /// <param name="oldSpec">The one that it replaces; null: none, or not known.</param>
    public static IEnumerable<SpecProblem> Check(RegionSpec spec, RegionSpec? oldSpec = null)
    {
        if (spec.Postgres is { } postgres && oldSpec?.Postgres is { } old && postgres.Restore is null != old.Restore is null)
            yield return new("spec.postgres.restore", "cannot be added or removed. Create a new ShortenerRegion instead.");
        if (spec.Postgres?.Restore is { } restore && !IsComplete(restore.Repository))
            yield return new("spec.postgres.restore.repository", Incomplete);
        if (spec.Postgres?.Backup is not { } backup)
            yield break;
        if (!IsComplete(backup.Repository))
            yield return new("spec.postgres.backup.repository", Incomplete);
        if (CronSchedule.FindProblem(backup.Schedule) is { } problem)
            yield return new("spec.postgres.backup.schedule", $"is {backup.Schedule}; it {problem}. Use five fields, such as 17 2 * * * for every night.");
        if (backup.Rehearsal is { } rehearsal && CronSchedule.FindProblem(rehearsal.Schedule) is { } other)
            yield return new(
                "spec.postgres.backup.rehearsal.schedule",
                $"is {rehearsal.Schedule}; it {other}. Use five fields, such as 17 5 * * 0 for every Sunday."
            );
    }

    private static bool IsComplete(BackupRepositorySpec spec) =>
        spec.ClaimRef is null ? spec is { Endpoint.Length: > 0, Bucket.Length: > 0, SecretRef.Name.Length: > 0 } : spec is { Endpoint: null, Bucket: null };
}
