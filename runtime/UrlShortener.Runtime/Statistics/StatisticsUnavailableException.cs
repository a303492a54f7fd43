using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Statistics;

/// <summary>The server that answers statistics does not work. Links are followed, created and changed without it.</summary>
internal sealed class StatisticsUnavailableException(string message, Exception? inner = null) : DependencyException(message, inner);
