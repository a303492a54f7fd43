using System.ComponentModel;
using System.Text.Json.Serialization;

namespace UrlShortener.Contracts;

/// <summary>Answer to GET /health.</summary>
[Description("State of the service and its components.")]
public sealed record HealthResponse(
    [property: Description("`healthy`, `degraded` (works, with a fallback) or `unhealthy`.")] string Status,
    [property: Description("The same for each component.")] ComponentsResponse Components,
    [property: Description("Version of the product.")] string Version
)
{
    /// <summary>The tables of PostgreSQL; null: the store is embedded, or does not answer.</summary>
    [Description("The tables of PostgreSQL. Absent for an embedded store, and while PostgreSQL does not answer.")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SchemaResponse? Schema { get; init; }

    /// <summary>What becomes of click events: one of <see cref="EventStates"/>, or a kind of fault; null: there is no Kafka.</summary>
    [Description(
        "What becomes of click events: `delivered`, `unwritable` (delivered from memory: the disk does not take them), or why they wait: `unconfirmed`, `unreachable`, "
            + "`topic`, `refused`, `authorization`, `tls`, `authentication`, `settings`, `spool`. Not part of the state. Absent without Kafka."
    )]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Events { get; init; }

    /// <summary>What becomes of the load of click events; null: this process loads none.</summary>
    [Description("The load of click events by this process. Not part of the state. Absent unless its role is `clicks` or `all`, with Kafka and ClickHouse.")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public LoadingResponse? Loading { get; init; }

    /// <summary>Why the region takes no changes; null: it does.</summary>
    [Description("Why this region takes no changes: creates and changes answer 503. Absent while it takes them.")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ReadOnlyResponse? ReadOnly { get; init; }
}

/// <summary>Components.</summary>
[Description("State of each component.")]
public sealed record ComponentsResponse(
    [property: Description("The store; degraded: redirects work, creates and changes do not.")] string Database,
    [property: Description("The tier that processes share; degraded: each process works on its own.")] string Cache,
    [property: Description("The key pool; degraded: codes are generated on demand.")] string Kgs
)
{
    /// <summary>ClickHouse; null: the store answers statistics.</summary>
    [Description("ClickHouse; degraded: it does not answer, or lacks tables, and there are no statistics. Absent without it.")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Analytics { get; init; }
}

/// <summary>The load of click events.</summary>
[Description("The load of click events.")]
public sealed record LoadingResponse(
    [property: Description("Whether Kafka does not answer, or a batch cannot be loaded.")] bool IsFailing,
    [property: Description("Partitions that this process loads. A region that takes no changes has none.")] int Partitions,
    [property: Description("Events of these partitions that are not loaded.")] long LagEvents,
    [property: Description("Age in seconds of the oldest received click that is not loaded.")] double DelaySeconds
);

/// <summary>A region that takes no changes.</summary>
[Description("A region that takes no changes.")]
public sealed record ReadOnlyResponse(
    [property: Description("`standby` (the database follows that of another region) or `fenced` (it was told to take no writes).")] string Reason,
    [property: Description("The region that takes changes; null: none is known to.")] string? WritingRegion,
    [property: Description("Counts how often the role of the writing region has moved.")] long Epoch,
    [property: Description("Age in seconds of the writing region's last sign of life that has reached this region: the lag, and up to a second more.")]
        double LagSeconds
);

/// <summary>The tables of a store, compared with those that the process knows.</summary>
[Description("Version of the tables.")]
public sealed record SchemaResponse(
    [property: Description("`current`, `behind` (run `migrate`) or `ahead` (a newer version migrated them).")] string State,
    [property: Description("Number of migrations that the tables have.")] int Applied,
    [property: Description("Number of migrations that this version has.")] int Known
);
