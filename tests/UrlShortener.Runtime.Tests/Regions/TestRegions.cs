using Microsoft.Extensions.Logging.Abstractions;
using UrlShortener.Runtime.Regions;

namespace UrlShortener.Runtime.Tests.Regions;

/// <summary>What a region's database may say about writes.</summary>
internal static class TestRegions
{
    /// <summary>A standby region; the region eu writes.</summary>
    public static ReadOnlyRegion Standby { get; } = new(ReadOnlyReason.Standby, "eu", 4, TimeSpan.FromSeconds(0.4));

    /// <summary>A region whose primary was fenced; no other one is known to write.</summary>
    public static ReadOnlyRegion Fenced { get; } = new(ReadOnlyReason.Fenced, null, 4, TimeSpan.Zero);

    /// <summary>The access of a region that takes changes until something else is noted.</summary>
    public static WriteAccess NewAccess() => new(NullLogger<WriteAccess>.Instance);
}
