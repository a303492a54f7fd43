namespace UrlShortener.Runtime.Keys.Generation;

/// <summary>Body of POST /kgs/v1/refill: nothing.</summary>
internal sealed record RefillRequest;
