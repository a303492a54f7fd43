namespace UrlShortener.Operator.KeyPools;

/// <summary>What <see cref="WorkerCount"/> remembers of a pool from one look to the next. It may be lost: then workers stay a little longer.</summary>
/// <param name="RaisedAt">When workers were last added because the level fell; null: not since the start.</param>
/// <param name="CalmSince">Since when the pool has needed no filling, or when workers were last taken away; null: it needs filling.</param>
internal sealed record WorkerHistory(DateTimeOffset? RaisedAt = null, DateTimeOffset? CalmSince = null);
