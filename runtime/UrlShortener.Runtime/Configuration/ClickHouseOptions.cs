using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>ClickHouse</c>: tables and queries of <c>ConnectionStrings:ClickHouse</c>.</summary>
internal sealed class ClickHouseOptions
{
    /// <summary>
    /// Name of the cluster whose servers all get the tables, which are replicated then. It must have one shard. Used by <c>migrate</c>. Unset: tables of one
    /// server.
    /// </summary>
    [RegularExpression("^[A-Za-z0-9_.-]{1,100}$", ErrorMessage = "must be the name of a cluster: 1 to 100 letters, digits, '_', '.' and '-'.")]
    public string? Cluster { get; set; }

    /// <summary>
    /// Whether a process of the role <c>clicks</c> or <c>all</c> brings the tables up to date by itself after its start, instead of <c>migrate</c>. It tries
    /// again until ClickHouse is there. Default false.
    /// </summary>
    public bool MigrateOnStart { get; set; }

    /// <summary>
    /// PEM file with the certificate authorities of the server, for <c>Protocol=https</c>. Read for each new connection. Unset: those that the system trusts.
    /// </summary>
    public string? CaPath { get; set; }

    /// <summary>Longest time to connect, in whole milliseconds. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:00:30")]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Statistics that are read at the same time, per process; further ones wait. One user has at most half of them, rounded up. Default 4.</summary>
    [Range(1, 100)]
    public int MaxQueries { get; set; } = 4;

    /// <summary>Longest time that the server works for one answer. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
    public TimeSpan QueryTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Most memory of the server that one query of statistics may take, in bytes. Default 1 GiB.</summary>
    [Range(16_777_216, 1_099_511_627_776)]
    public long QueryBytes { get; set; } = 1_073_741_824;
}
