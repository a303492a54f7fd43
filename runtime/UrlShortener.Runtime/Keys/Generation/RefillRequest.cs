namespace UrlShortener.Runtime.Keys.Generation;

/// <summary>Body of POST /kgs/v1/refill. It is empty.</summary>
internal sealed record RefillRequest;
