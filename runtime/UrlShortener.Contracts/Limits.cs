namespace UrlShortener.Contracts;

/// <summary>Limits that both programs check.</summary>
public static class Limits
{
    /// <summary>Largest epoch of keys. <see cref="int.MaxValue"/> stands for keys that no epoch ends.</summary>
    public const int MaxEpoch = 1_000_000_000;
}
