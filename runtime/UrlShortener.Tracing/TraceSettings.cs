namespace UrlShortener.Tracing;

/// <summary>What a process exports.</summary>
/// <param name="Options">Valid options with an endpoint.</param>
/// <param name="ServiceName">Name of the program.</param>
/// <param name="Version">Version of the program.</param>
/// <param name="Attributes">Further attributes of the process.</param>
/// <param name="Sources">Names of the sources of spans.</param>
public sealed record TraceSettings(
    TraceOptions Options,
    string ServiceName,
    string Version,
    IReadOnlyDictionary<string, object> Attributes,
    IReadOnlyList<string> Sources
);
