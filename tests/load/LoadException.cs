namespace UrlShortener.Load;

/// <summary>A failure the person at the keyboard can act on; shown as its message, without a stack trace.</summary>
internal sealed class LoadException(string message) : Exception(message);
