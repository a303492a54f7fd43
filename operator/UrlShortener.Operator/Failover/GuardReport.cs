using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using k8s.Models;
using UrlShortener.Operator.Apply;

namespace UrlShortener.Operator.Failover;

/// <summary>What the guard of a member says, in an annotation of its pod (config/images/postgres/guard.py). Pure.</summary>
/// <param name="Epoch">Epoch of the latest record that it knows to be chosen; 0: none.</param>
/// <param name="IsLease">Whether it ends the right to write by itself.</param>
/// <param name="IsWritable">Whether the member may take writes.</param>
/// <param name="FencedAt">End of a primary's log after it became read-only; null: it may write, or is no primary.</param>
/// <param name="WritesIn">The epoch in which it has written as the primary; null: it has not.</param>
internal sealed record GuardReport(long Epoch, bool IsLease, bool IsWritable, ulong? FencedAt, long? WritesIn)
{
    /// <summary>Reads the report of a pod; null: it has none, or none that is understood.</summary>
    public static GuardReport? Of(V1Pod pod)
    {
        if (Labels.AnnotationOf(pod.Metadata, Labels.WriteGuard) is not { } text)
            return null;
        try
        {
            var report = StrictJson.Parse(text);
            return report is JsonObject && report["writable"]?.GetValue<bool>() is { } isWritable
                ? new GuardReport(
                    report["epoch"]?.GetValue<long>() ?? 0,
                    report["lease"]?.GetValue<bool>() ?? false,
                    isWritable,
                    ReadPosition(report["fencedAt"]?.GetValue<string>()),
                    report["writesIn"]?.GetValue<long>()
                )
                : null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    /// <summary>Reads a position of the write-ahead log as PostgreSQL writes it, such as <c>16/B374D848</c>; null: it is something else.</summary>
    public static ulong? ReadPosition(string? text) =>
        text?.Split('/') is [var high, var low]
        && uint.TryParse(high, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var upper)
        && uint.TryParse(low, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var lower)
            ? ((ulong)upper << 32) | lower
            : null;
}
