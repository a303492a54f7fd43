using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Postgres</c>: how the store of <c>ConnectionStrings:Postgres</c> is used.</summary>
internal sealed class PostgresOptions : IValidatableObject
{
    /// <summary>Whether a start brings the tables up to date. Unset: in the Development environment only; elsewhere <c>migrate</c> does, before a release rolls
    /// out.</summary>
    public bool? MigrateOnStart { get; set; }

    /// <summary>Whether lookups go to replicas first. Default true; without replicas it makes no difference.</summary>
    public bool ReadFromReplicas { get; set; } = true;

    /// <summary>Most connections to the primary, and as many to the replicas, of this process. Default 20.</summary>
    [Range(4, 500)]
    public int MaxConnections { get; set; } = 20;

    /// <summary>
    /// Most lookups for redirects at the same time on one server; the others wait their turn, within <see cref="ReadTimeout"/>. Few are faster than many: a
    /// server has few cores. At most <see cref="MaxConnections"/>. Default 8.
    /// </summary>
    [Range(1, 500)]
    public int MaxLookups { get; set; } = 8;

    /// <summary>
    /// Most lists, searches and statistics at the same time in this process; the others wait their turn, within <see cref="QueryTimeout"/>. Less than
    /// <see cref="MaxConnections"/>: what else needs the database has connections left. Default 3.
    /// </summary>
    [Range(1, 499)]
    public int MaxQueries { get; set; } = 3;

    /// <summary>Time to open a connection. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:00:30")]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Time for one write, its wait for the disk and for a synchronous replica included. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00")]
    public TimeSpan WriteTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Time for one lookup. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:00:30")]
    public TimeSpan ReadTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Time for one list, search or question about statistics, its wait for a turn included. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan QueryTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Most statements that create links at the same time. What waits while one is under way shares the next; another begins beside it only when it takes long.
    /// Requests of more than 100 links have as many statements of their own. Default 2.
    /// </summary>
    [Range(1, 64)]
    public int Writers { get; set; } = 2;

    /// <summary>Most links in one statement. Default 1,000.</summary>
    [Range(1, 10_000)]
    public int GroupSize { get; set; } = 1_000;

    /// <summary>Links that may wait to be created; past that a request waits for room. Default 20,000.</summary>
    [Range(1_000, 1_000_000)]
    public int QueueCapacity { get; set; } = 20_000;

    /// <summary>Monthly partitions of links kept ready ahead. Default 3.</summary>
    [Range(1, 24)]
    public int MonthsAhead { get; set; } = 3;

    /// <summary>Daily partitions of clicks kept ready ahead. Default 7.</summary>
    [Range(1, 60)]
    public int DaysAhead { get; set; } = 7;

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (MaxLookups > MaxConnections)
            yield return new ValidationResult($"must be at most MaxConnections ({MaxConnections}).", [nameof(MaxLookups)]);
        if (MaxQueries >= MaxConnections)
            yield return new ValidationResult($"must be less than MaxConnections ({MaxConnections}).", [nameof(MaxQueries)]);
    }
}
