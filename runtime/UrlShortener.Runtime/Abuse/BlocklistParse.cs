namespace UrlShortener.Runtime.Abuse;

/// <summary>What <see cref="Blocklist.Parse"/> made of a text.</summary>
/// <param name="List">The entries that could be read.</param>
/// <param name="ErrorCount">Number of lines that could not be read.</param>
/// <param name="Errors">The first of these, at most <see cref="Blocklist.MaxReportedErrors"/>, in order.</param>
internal sealed record BlocklistParse(Blocklist List, int ErrorCount, IReadOnlyList<BlocklistLineError> Errors);
