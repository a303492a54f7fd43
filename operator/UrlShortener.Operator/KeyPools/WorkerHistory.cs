namespace UrlShortener.Operator.KeyPools;

/// <summary>Memory of <see cref="WorkerCount"/> between reconciles. It may be lost: then workers stay a little longer.</summary>
/// <param name="RaisedAt">When workers were last added because the level fell; null: not since the start.</param>
/// <param name="CalmSince">Since when the pool has needed no refill, or when a worker was last removed; null: it needs a refill.</param>
internal sealed record WorkerHistory(DateTimeOffset? RaisedAt = null, DateTimeOffset? CalmSince = null);
