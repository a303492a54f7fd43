namespace UrlShortener.ControllerRuntime.Api;

/// <summary>The API server sent something that cannot be decoded.</summary>
public sealed class UndecodableException(string message, Exception innerException) : Exception(message, innerException);
