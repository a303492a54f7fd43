using System.Globalization;
using k8s.Models;
using UrlShortener.Operator.Apply;

namespace UrlShortener.Operator.Postgres;

/// <summary>The room on the volume of a member, as the member tells it (config/images/postgres/volume.py). Pure.</summary>
/// <param name="Free">Free bytes.</param>
/// <param name="Size">All bytes.</param>
internal sealed record VolumeRoom(long Free, long Size)
{
    private const int LeastPart = 20;
    private const long Enough = 10L * 1024 * 1024 * 1024;
    private const long Mebibyte = 1024 * 1024;

    // Two segments of the write-ahead log.
    private const long Least = 32 * Mebibyte;

    /// <summary>Whether the volume is nearly full: less than a twentieth is free, and less than 10 GiB.</summary>
    public bool IsLow => Free < Size / LeastPart && Free < Enough;

    /// <summary>Whether the write-ahead log may find no room the next time that it needs some.</summary>
    public bool IsFull => Free < Least && IsLow;

    /// <summary>What a member tells; null: nothing, or something else.</summary>
    public static VolumeRoom? Of(V1Pod pod) =>
        Labels.AnnotationOf(pod.Metadata, Labels.Volume)?.Split('/') is [{ } free, { } size]
        && long.TryParse(free, NumberStyles.None, CultureInfo.InvariantCulture, out var some)
        && long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var all)
            ? new VolumeRoom(some, all)
            : null;

    /// <summary>Members whose volumes are nearly full, a part of a sentence; null: none.</summary>
    /// <param name="pods">The members.</param>
    public static string? Describe(IEnumerable<V1Pod> pods)
    {
        var low = pods.Select(pod => (pod.Metadata.Name, Room: Of(pod)))
            .Where(member => member.Room?.IsLow == true)
            .Select(member =>
                string.Create(CultureInfo.InvariantCulture, $"{member.Name} has {member.Room!.Free / Mebibyte} of {member.Room.Size / Mebibyte} MiB left")
            )
            .ToList();
        return low.Count == 0 ? null : string.Join(", ", low);
    }
}
