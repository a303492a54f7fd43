namespace UrlShortener.Runtime.Abuse;

/// <summary>A line of a blocklist that could not be read.</summary>
/// <param name="Line">Line number, from 1.</param>
/// <param name="Reason">What is wrong with the line; does not repeat the line.</param>
internal readonly record struct BlocklistLineError(int Line, string Reason);
