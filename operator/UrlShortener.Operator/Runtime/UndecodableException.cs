namespace UrlShortener.Operator.Runtime;

/// <summary>The API server sent what cannot be read.</summary>
internal sealed class UndecodableException(string message, Exception innerException) : Exception(message, innerException);
