namespace UrlShortener.Operator.Clusters;

/// <summary>What a request to another cluster brought.</summary>
/// <param name="Value">The answer; also null if there is no such object.</param>
/// <param name="Failure">Why there is no answer, as a sentence; null: there is one.</param>
/// <param name="IsRefusal">Whether the API server answered, and refused the request.</param>
internal sealed record ClusterAnswer<T>(T? Value, string? Failure = null, bool IsRefusal = false);
