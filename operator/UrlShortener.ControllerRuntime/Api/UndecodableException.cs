namespace UrlShortener.ControllerRuntime.Api;

/// <summary>The API server sent what cannot be read.</summary>
public sealed class UndecodableException(string message, Exception innerException) : Exception(message, innerException);
