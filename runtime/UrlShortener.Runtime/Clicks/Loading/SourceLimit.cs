namespace UrlShortener.Runtime.Clicks.Loading;

/// <summary>
/// Bounds the names of sources in the sums of a link and day: visitors may send a new one with each click. It remembers the names of the links that were
/// clicked last, so after a restart a link may get that many names again. One thread at a time.
/// </summary>
internal sealed class SourceLimit
{
    /// <summary>Longest name in the sums.</summary>
    public const int MaxLength = 255;

    // Most links and days that are remembered. Those with few names cost little.
    private const int MaxRemembered = 20_000;

    private readonly Dictionary<(string Code, DateOnly Day), HashSet<string>> _names = [];

    /// <summary>The source of a click in the sums of its day; null: direct.</summary>
    public string? Limit(in StoredClick click)
    {
        if (click.Source is null || click.IsBot)
            return null;
        var source = Cut(click.Source);
        if (_names.Count >= MaxRemembered)
            _names.Clear();
        var key = (click.ShortCode, DateOnly.FromDateTime(click.At.UtcDateTime));
        if (!_names.TryGetValue(key, out var names))
            _names.Add(key, names = new HashSet<string>(StringComparer.Ordinal));
        if (names.Contains(source))
            return source;
        return names.Count < ClickSources.MaxPerDay && names.Add(source) ? source : ClickSources.Others;
    }

    // Not in the middle of a surrogate pair.
    private static string Cut(string source) =>
        source.Length <= MaxLength ? source : source[..(char.IsHighSurrogate(source[MaxLength - 1]) ? MaxLength - 1 : MaxLength)];
}
