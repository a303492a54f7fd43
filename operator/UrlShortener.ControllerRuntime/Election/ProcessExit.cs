namespace UrlShortener.ControllerRuntime.Election;

/// <summary>Exits the process with a code, immediately.</summary>
public delegate void ProcessExit(int code);
