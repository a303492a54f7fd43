namespace UrlShortener.Contracts;

/// <summary>Body of POST /kgs/v1/epochs.</summary>
public sealed record OpenEpochRequest
{
    /// <summary>The epoch to open, from 1 to <see cref="Limits.MaxEpoch"/>.</summary>
    public int? Epoch { get; init; }
}
