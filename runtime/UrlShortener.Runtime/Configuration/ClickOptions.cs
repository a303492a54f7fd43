using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Clicks</c>: capture and storage of clicks.</summary>
internal sealed class ClickOptions
{
    /// <summary>Clicks that may wait for the writer; more clicks are dropped and counted. Default 200,000.</summary>
    [Range(1_000, 10_000_000)]
    public int QueueCapacity { get; set; } = 200_000;

    /// <summary>
    /// Approximate memory of the waiting clicks, in bytes; more clicks are dropped and counted. A batch takes at most a quarter of this in addition.
    /// Default 64 MiB, about 100,000 clicks of browsers that each send different texts.
    /// </summary>
    [Range(1_048_576, 2_147_483_647)]
    public int QueueBytes { get; set; } = 64 * 1_048_576;

    /// <summary>Most clicks stored in one transaction. Default 50,000.</summary>
    [Range(1, 100_000)]
    public int BatchSize { get; set; } = 50_000;

    /// <summary>Longest time a click waits in memory before it is written. Default 350 ms; more than 400 ms breaks the documented half second.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:00.400")]
    public TimeSpan FlushInterval { get; set; } = TimeSpan.FromMilliseconds(350);

    /// <summary>Days that single clicks are kept. Totals per link stay. Default 400.</summary>
    [Range(1, 36_500)]
    public int RetentionDays { get; set; } = 400;

    /// <summary>Topic of Kafka that click events are sent to. Default <c>clicks</c>.</summary>
    [RegularExpression("^[A-Za-z0-9._-]{1,249}$", ErrorMessage = "must be the name of a topic: 1 to 249 letters, digits, '.', '_' and '-'.")]
    public string Topic { get; set; } = "clicks";

    /// <summary>
    /// Folder in which click events wait for Kafka, created if missing; one for each process. Relative to the working directory. Default <c>.spool</c>.
    /// </summary>
    [Required(AllowEmptyStrings = false)]
    public string SpoolDirectory { get; set; } = ".spool";

    /// <summary>Most bytes that waiting events take on disk; more events are dropped and counted. Default 1 GiB.</summary>
    [Range(67_108_864, 1_099_511_627_776)]
    public long SpoolBytes { get; set; } = 1_073_741_824;

    /// <summary>Group of consumers that the processes which load click events form. Default <c>urlshortener-clicks</c>.</summary>
    [Required(AllowEmptyStrings = false)]
    public string LoadGroup { get; set; } = "urlshortener-clicks";

    /// <summary>
    /// How long a process that loads click events may be silent until others take over its partitions, in whole milliseconds. The brokers have limits of their
    /// own: 6 s to 30 minutes out of the box. Default 15 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:30:00")]
    public TimeSpan LoadSessionTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Most click events of one partition that are loaded in one piece. Default 50,000.</summary>
    [Range(100, 200_000)]
    public int LoadBatchSize { get; set; } = 50_000;

    /// <summary>How long a click event waits for others before it is loaded. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan LoadInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Approximate memory of the click events that a process is loading, in bytes; more wait in Kafka. Default 64 MiB.</summary>
    [Range(4_194_304, 2_147_483_647)]
    public int LoadBytes { get; set; } = 64 * 1_048_576;

    /// <summary>
    /// Whether the results of the Flink job are loaded, from the topics whose names are that of <see cref="Topic"/> with <c>.minutes</c>, <c>.trends</c> and
    /// <c>.floods</c> after it. Needs ClickHouse. Default false.
    /// </summary>
    public bool LoadResults { get; set; }

    /// <summary>Path of a MaxMind-format file that maps addresses to countries and cities. Unset: no location is looked up.</summary>
    public string? GeoDatabasePath { get; set; }

    /// <summary>
    /// Name of a request header that carries the visitor's country as two letters, such as <c>CF-IPCountry</c>.
    /// Accepted only from an address in <c>Proxies:Trusted</c>. Unset: none.
    /// </summary>
    [RegularExpression("^[A-Za-z0-9-]{1,64}$", ErrorMessage = "must be a header name: letters, digits and '-'.")]
    public string? CountryHeader { get; set; }
}
