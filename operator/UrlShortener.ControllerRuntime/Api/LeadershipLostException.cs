namespace UrlShortener.ControllerRuntime.Api;

/// <summary>A write was not sent, because this process does not lead, or cannot prove that it still does.</summary>
public sealed class LeadershipLostException() : Exception("This process does not lead, so it writes nothing.");
