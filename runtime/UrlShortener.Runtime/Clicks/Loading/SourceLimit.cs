using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace UrlShortener.Runtime.Clicks.Loading;

/// <summary>
/// Bounds the names of sources in the sums of a link and day: visitors may send a new one with each click. It remembers hashes of the names, a bounded number
/// of them: after a restart, or when there are more, a link may get as many names again. One thread at a time.
/// </summary>
internal sealed class SourceLimit
{
    /// <summary>Longest name in the sums.</summary>
    public const int MaxLength = 255;

    /// <summary>Most names that are remembered, about 4 MiB.</summary>
    public const int MaxNames = 100_000;

    private readonly Dictionary<(string Code, DateOnly Day), HashSet<ulong>> _names = [];

    /// <summary>How many names are remembered.</summary>
    public int Names { get; private set; }

    /// <summary>The source of a click in the sums of its day; null: direct.</summary>
    public string? Limit(in StoredClick click)
    {
        if (click.Source is null || click.IsBot)
            return null;
        var source = Cut(click.Source);
        var key = (click.ShortCode, DateOnly.FromDateTime(click.At.UtcDateTime));
        if (!_names.TryGetValue(key, out var names))
            _names.Add(key, names = []);
        var hash = XxHash64.HashToUInt64(MemoryMarshal.AsBytes(source.AsSpan()));
        if (names.Contains(hash))
            return source;
        if (names.Count >= ClickSources.MaxPerDay)
            return ClickSources.Others;
        names.Add(hash);
        if (++Names >= MaxNames)
        {
            _names.Clear();
            Names = 0;
        }

        return source;
    }

    // Not in the middle of a surrogate pair.
    private static string Cut(string source) =>
        source.Length <= MaxLength ? source : source[..(char.IsHighSurrogate(source[MaxLength - 1]) ? MaxLength - 1 : MaxLength)];
}
