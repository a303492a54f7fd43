using System.Globalization;
using k8s.Models;
using UrlShortener.Contracts;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Regions;

/// <summary>
/// Decides whether a migrated database needs the migration again, because it was emptied, replaced or restored under the same Secret. Pure. The first
/// repetition starts at once and each further one after a longer delay, so that a database that never becomes current causes no loop.
/// </summary>
/// <param name="Status">The known state of the tables.</param>
/// <param name="IsDue">Whether the migration is to run again now.</param>
internal sealed record SchemaRepair(SchemaStatus Status, bool IsDue)
{
    /// <summary>How long the tables must be current before the delays start again from the shortest.</summary>
    public static readonly TimeSpan CalmInterval = TimeSpan.FromMinutes(10);

    // More repetitions are not counted.
    private const int MaxCount = 1_000_000;

    private static readonly TimeSpan[] Delays = [TimeSpan.Zero, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30)];

    /// <summary>Whether migrations are missing.</summary>
    public bool IsBehind => Status.State == SchemaState.Behind;

    /// <summary>Whether a newer version migrated the tables.</summary>
    public bool IsAhead => Status.State == SchemaState.Ahead;

    /// <summary>Number of the repetition that is due; 0: none is.</summary>
    public int Next => IsDue ? Math.Min((Status.Repairs ?? 0) + 1, MaxCount) : 0;

    /// <summary>Makes the decision.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="migration">The migration that the region needs.</param>
    /// <param name="now">The time.</param>
    public static SchemaRepair Of(V1Alpha1ShortenerRegion region, ObservedRegion observed, Migration migration, DateTimeOffset now)
    {
        var former = region.Status?.Schema ?? new SchemaStatus();
        var found = observed.Health?.Schema;
        var job = observed.Jobs.FirstOrDefault(other => other.Metadata.Name == MigrationJob.NameOf(region, migration.Digest));
        var state = KnownOf(found) ?? (CrashesOfOldTables(observed, job) ? SchemaState.Behind : null);
        var (count, at) = CountOf(former, job);
        // Somebody edited the status. Clocks differ by less.
        if (at?.ToUniversalTime() > now.UtcDateTime + Delays[^1])
            at = null;
        var last = at is { } time ? new DateTimeOffset(time.ToUniversalTime()) : (DateTimeOffset?)null;
        var isCalm = state == SchemaState.Current && (last is null || now - last >= CalmInterval);
        var repairs = isCalm ? 0 : Math.Clamp(count, 0, MaxCount);
        return new SchemaRepair(
            new SchemaStatus
            {
                State = state,
                Applied = found?.Applied,
                Known = found?.Known,
                Repairs = repairs == 0 ? null : repairs,
                LastRepairTime = at,
            },
            state == SchemaState.Behind
                && migration.State == MigrationState.Done
                && (last is null || now - last >= Delays[Math.Min(repairs, Delays.Length - 1)])
        );
    }

    // An image of another version may report a state that this operator does not know.
    private static string? KnownOf(SchemaResponse? found) =>
        found?.State is SchemaState.Current or SchemaState.Behind or SchemaState.Ahead ? found.State : null;

    // The Job stores the count, because the status may not be written after the Job's start. Once the Job is deleted, the status has the count.
    private static (int Count, DateTime? At) CountOf(SchemaStatus former, V1Job? job) =>
        int.TryParse(Labels.AnnotationOf(job?.Metadata, Labels.MigrationRepairs), NumberStyles.None, CultureInfo.InvariantCulture, out var counted)
        && job?.Metadata.CreationTimestamp?.ToUniversalTime() is { } started
        && (former.LastRepairTime is null || started > former.LastRepairTime.Value.ToUniversalTime())
            ? (Math.Max(counted, former.Repairs ?? 0), started)
            : (former.Repairs ?? 0, former.LastRepairTime);

    // A pod that ended before the last migration ended says nothing about the current tables.
    private static bool CrashesOfOldTables(ObservedRegion observed, V1Job? job)
    {
        var migrated = job?.Status?.CompletionTime?.ToUniversalTime() ?? DateTime.MinValue;
        return observed
            .Pods.Where(pod => Labels.ComponentOf(pod.Metadata) == Names.App && pod.Metadata.DeletionTimestamp is null)
            .SelectMany(pod => pod.Status?.ContainerStatuses ?? [])
            .Where(container => !container.Ready)
            .Select(container => container.State?.Terminated ?? container.LastState?.Terminated)
            .Any(ended =>
                ended?.Message?.Contains(SchemaState.BehindAtStart, StringComparison.Ordinal) == true && ended.FinishedAt?.ToUniversalTime() > migrated
            );
    }
}
