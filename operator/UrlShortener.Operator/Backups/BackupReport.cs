using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace UrlShortener.Operator.Backups;

/// <summary>What a Job reports in its termination message (config/images/postgres/backup.py).</summary>
internal sealed record BackupReport
{
    /// <summary>The <see cref="Reason"/> of a target that the archive does not reach, or that is before the oldest backup.</summary>
    public const string TargetReason = "target";

    /// <summary>The <see cref="Reason"/> of an archive that goes on after the place at which a recovery ended.</summary>
    public const string GapReason = "gap";

    /// <summary>Whether the work succeeded.</summary>
    [JsonPropertyName("ok")]
    public bool Succeeded { get; init; }

    /// <summary>Why not.</summary>
    [JsonPropertyName("error")]
    public string? Error { get; init; }

    /// <summary>The kind of failure.</summary>
    [JsonPropertyName("reason")]
    public string? Reason { get; init; }

    /// <summary>Seconds that it took.</summary>
    [JsonPropertyName("seconds")]
    public double? Seconds { get; init; }

    /// <summary>Of a restore: the number of links; null: there is no table of them.</summary>
    [JsonPropertyName("rows")]
    public long? Rows { get; init; }

    /// <summary>Of a restore: time of the last commit.</summary>
    [JsonPropertyName("lastCommit")]
    public string? LastCommit { get; init; }

    /// <summary>Backups in the repository, the oldest first; some in the middle may be left out.</summary>
    [JsonPropertyName("backups")]
    public IReadOnlyList<JsonElement> RawBackups { get; init; } = [];

    /// <summary>Runs of consecutive segments in the archive: first and last name.</summary>
    [JsonPropertyName("wal")]
    public IReadOnlyList<IReadOnlyList<string>> Segments { get; init; } = [];

    /// <summary>The timelines before the newest one, each with the position at which it ended.</summary>
    [JsonPropertyName("history")]
    public IReadOnlyList<JsonElement> RawHistory { get; init; } = [];

    /// <summary>The timeline of the newest file with the history of timelines; null: the archive has no such file.</summary>
    [JsonPropertyName("timeline")]
    public int? Timeline { get; init; }

    /// <summary>
    /// The newest timeline in the archive. A repository that a primary began to use after a failover has segments of its timeline, and no file with the history.
    /// </summary>
    public int NewestTimeline => Timeline ?? Segments.Select(range => WalSegment.Parse(range[0]).Timeline).DefaultIfEmpty(1).Max();

    /// <summary>Reads a report; null: the text is none.</summary>
    public static BackupReport? Parse(string? text)
    {
        try
        {
            return text is null ? null : JsonSerializer.Deserialize<BackupReport>(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The backups.</summary>
    public IReadOnlyList<ReportedBackup> ReadBackups() =>
        [
            .. RawBackups.Select(one => new ReportedBackup(
                one[0].GetString()!,
                DateTimeOffset.FromUnixTimeSeconds(one[2].GetInt64()),
                WalSegment.Parse(one[3].GetString()!),
                WalSegment.Parse(one[4].GetString()!),
                one[5].GetInt64()
            )),
        ];

    /// <summary>Time of the last commit; null: none was read.</summary>
    public DateTime? ReadLastCommit() =>
        DateTimeOffset.TryParse(LastCommit, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var last) ? last.UtcDateTime : null;

    /// <summary>The timelines before the newest one, with the number of the segment in which each ended.</summary>
    public IReadOnlyList<(int Timeline, long Segment)> ReadHistory() =>
        [.. RawHistory.Select(one => (one[0].GetInt32(), WalSegment.NumberOf(one[1].GetString()!)))];
}

/// <summary>A backup in the repository.</summary>
/// <param name="Label">pgBackRest's label.</param>
/// <param name="CompletedAt">When it ended: the earliest time to which it can be restored.</param>
/// <param name="First">The first segment that its restore needs.</param>
/// <param name="Last">The last segment that makes it consistent.</param>
/// <param name="Bytes">What it added to the repository.</param>
internal sealed record ReportedBackup(string Label, DateTimeOffset CompletedAt, WalSegment First, WalSegment Last, long Bytes)
{
    /// <summary>Whether it is a full backup.</summary>
    public bool IsFull => Label.EndsWith('F');
}
