using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Postgres</c>: how the store of <c>ConnectionStrings:Postgres</c> is used.</summary>
internal sealed class PostgresOptions : IValidatableObject
{
    /// <summary>Whether the process migrates the schema when it starts. Unset: only in the Development environment; elsewhere, run <c>migrate</c> before a
    /// release rolls out.</summary>
    public bool? MigrateOnStart { get; set; }

    /// <summary>Whether lookups go to replicas first. Default true; without replicas it makes no difference.</summary>
    public bool ReadFromReplicas { get; set; } = true;

    /// <summary>Most connections to the primary, and as many to the replicas, of this process. Default 20.</summary>
    [Range(4, 500)]
    public int MaxConnections { get; set; } = 20;

    /// <summary>
    /// Most lookups for redirects at the same time on one server; the others wait, within <see cref="ReadTimeout"/>. A low number is faster, because a server
    /// has few cores. At most <see cref="MaxConnections"/>. Default 8.
    /// </summary>
    [Range(1, 500)]
    public int MaxLookups { get; set; } = 8;

    /// <summary>
    /// Most lists, searches and statistics queries at the same time in this process; the others wait, within <see cref="QueryTimeout"/>. Less than
    /// <see cref="MaxConnections"/>, so that other work has connections left. Default 3.
    /// </summary>
    [Range(1, 499)]
    public int MaxQueries { get; set; } = 3;

    /// <summary>Timeout for opening a connection. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:00:30")]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Timeout of one write, including the wait for the disk and for a synchronous replica. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00")]
    public TimeSpan WriteTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Timeout of one lookup. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:00:30")]
    public TimeSpan ReadTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Timeout of one list, search or statistics query, including the wait for its turn. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan QueryTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Most statements that create links at the same time. Links that wait while a statement runs share the next one; another statement starts in parallel only
    /// when the running one takes long. Requests of more than 100 links have the same number of separate statements. Default 2.
    /// </summary>
    [Range(1, 64)]
    public int Writers { get; set; } = 2;

    /// <summary>Most links in one statement. Default 1,000.</summary>
    [Range(1, 10_000)]
    public int GroupSize { get; set; } = 1_000;

    /// <summary>Links that may wait to be created; when the limit is reached, a request waits for room. Default 20,000.</summary>
    [Range(1_000, 1_000_000)]
    public int QueueCapacity { get; set; } = 20_000;

    /// <summary>Monthly partitions of links created in advance. Default 3.</summary>
    [Range(1, 24)]
    public int MonthsAhead { get; set; } = 3;

    /// <summary>Daily partitions of clicks created in advance. Default 7.</summary>
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
