namespace UrlShortener.Runtime.Abuse;

/// <summary>The result of <see cref="Blocklist.Parse"/>.</summary>
/// <param name="List">The entries that could be read.</param>
/// <param name="ErrorCount">Number of lines that could not be read.</param>
/// <param name="Errors">The first errors, at most <see cref="Blocklist.MaxReportedErrors"/>, in order.</param>
internal sealed record BlocklistParse(Blocklist List, int ErrorCount, IReadOnlyList<BlocklistLineError> Errors);
