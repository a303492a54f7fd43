namespace UrlShortener.ControllerRuntime.Api;

/// <summary>A write was not sent, because this process does not lead or cannot prove that it still does.</summary>
public sealed class LeadershipLostException() : Exception("This process is not the leader and must not write.");
