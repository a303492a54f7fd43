namespace UrlShortener.Load;

/// <summary>How hard wrk pushes. With a think time each connection pauses before every request, which leaves the machine mostly idle.</summary>
internal sealed record LoadProfile(string Name, int Connections, int Seconds, int? ThinkMilliseconds = null);
