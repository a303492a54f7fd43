namespace UrlShortener.Runtime.Configuration;

/// <summary>
/// A setting names something unusable, such as a missing file. The error persists until an administrator acts, so the process ends with exit code 78.
/// </summary>
/// <param name="message">Names the setting, the cause and what to do.</param>
/// <param name="inner">The cause.</param>
internal sealed class ConfigurationException(string message, Exception? inner = null) : InvalidOperationException(message, inner);
