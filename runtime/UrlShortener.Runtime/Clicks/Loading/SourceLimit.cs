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

    private const int MaxCodeLength = Codes.ShortCode.MaxLength;

    /// <summary>Most names that are remembered.</summary>
    public const int MaxNames = 100_000;

    // Hashes of code, day and name together: a set for each link would take ten times the room when each has one name.
    private readonly HashSet<UInt128> _names = [];
    private readonly Dictionary<(string Code, DateOnly Day), int> _counts = [];

    /// <summary>How many names are remembered.</summary>
    public int Names => _names.Count;

    /// <summary>The source of a click in the sums of its day; null: direct.</summary>
    public string? Limit(in StoredClick click)
    {
        if (click.Source is null || click.IsBot)
            return null;
        var source = Cut(click.Source);
        var day = DateOnly.FromDateTime(click.At.UtcDateTime);
        var name = HashOf(click.ShortCode, day, source);
        if (_names.Contains(name))
            return source;
        var count = _counts.GetValueOrDefault((click.ShortCode, day));
        if (count >= ClickSources.MaxPerDay)
            return ClickSources.Others;
        if (_names.Count >= MaxNames)
        {
            _names.Clear();
            _counts.Clear();
            count = 0;
        }

        _names.Add(name);
        _counts[(click.ShortCode, day)] = count + 1;
        return source;
    }

    private static UInt128 HashOf(string code, DateOnly day, string source)
    {
        Span<char> text = stackalloc char[MaxCodeLength + 1 + MaxLength];
        code.CopyTo(text);
        text[code.Length] = '\0';
        source.CopyTo(text[(code.Length + 1)..]);
        return XxHash128.HashToUInt128(MemoryMarshal.AsBytes(text[..(code.Length + 1 + source.Length)]), day.DayNumber);
    }

    // Not in the middle of a surrogate pair.
    private static string Cut(string source) =>
        source.Length <= MaxLength ? source : source[..(char.IsHighSurrogate(source[MaxLength - 1]) ? MaxLength - 1 : MaxLength)];
}
