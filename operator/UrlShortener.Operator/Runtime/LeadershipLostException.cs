namespace UrlShortener.Operator.Runtime;

/// <summary>A write was not sent, because this process does not lead, or cannot prove that it still does.</summary>
internal sealed class LeadershipLostException() : Exception("This process does not lead, so it writes nothing.");
