namespace UrlShortener.TestServers.Redis;

/// <summary>A node refused a command; the message is the node's own.</summary>
internal sealed class RedisErrorException(string message) : Exception(message);
