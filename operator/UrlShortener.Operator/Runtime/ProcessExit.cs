namespace UrlShortener.Operator.Runtime;

/// <summary>Ends the process with an exit code, at once.</summary>
internal delegate void ProcessExit(int code);
