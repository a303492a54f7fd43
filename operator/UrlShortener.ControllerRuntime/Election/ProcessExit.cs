namespace UrlShortener.ControllerRuntime.Election;

/// <summary>Ends the process with an exit code, at once.</summary>
public delegate void ProcessExit(int code);
