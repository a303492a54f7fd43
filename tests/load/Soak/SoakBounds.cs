namespace UrlShortener.Load.Soak;

/// <summary>How much a process may grow while a load lasts, after its warm-up. A true leak grows without end: a longer run finds a slower one.</summary>
internal static class SoakBounds
{
    /// <summary>The part of a run in which caches fill and code is compiled.</summary>
    public const double WarmUpShare = 0.3;

    private const double Megabyte = 1e6;

    /// <summary>Judges the samples of a run of <paramref name="length"/> seconds, with each bound times <paramref name="factor"/>.</summary>
    public static IReadOnlyList<Flatness> Judge(IReadOnlyList<ResourceSample> samples, double length, double factor)
    {
        ResourceSample[] steady = [.. samples.Where(sample => sample.Seconds >= WarmUpShare * length)];
        return
        [
            Judge("Resident memory", "MB", sample => sample.ResidentBytes / Megabyte, 8),
            Judge("Managed memory after collections", "MB", sample => sample.ManagedBytes / Megabyte, 4),
            Judge("Open files and sockets", "", sample => sample.Handles, 16),
            Judge("Threads", "", sample => sample.Threads, 10),
            Judge("Connections of clients", "", sample => sample.Connections, 16),
        ];

        Flatness Judge(string name, string unit, Func<ResourceSample, double> value, double bound) =>
            Flatness.Judge(name, unit, [.. steady.Select(sample => (sample.Seconds, value(sample)))], lowest: true, factor * bound);
    }
}
