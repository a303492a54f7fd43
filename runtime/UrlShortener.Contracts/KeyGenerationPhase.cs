namespace UrlShortener.Contracts;

/// <summary>What the key generation service does at the moment: <see cref="KeyGenerationStatus.State"/>.</summary>
public static class KeyGenerationPhase
{
    /// <summary>The pool has enough.</summary>
    public const string Idle = "idle";

    /// <summary>The pool is being filled.</summary>
    public const string Running = "running";

    /// <summary>The pool is being filled, and the next batch waits for <c>Kgs:MaxKeysPerSecond</c>.</summary>
    public const string Throttled = "throttled";

    /// <summary>The region takes no changes; the pool is neither counted nor filled.</summary>
    public const string Paused = "paused";

    /// <summary>The last step failed and is tried again.</summary>
    public const string Failing = "failing";

    /// <summary>Whether the pool is being filled.</summary>
    public static bool IsFilling(string phase) => phase is Running or Throttled;
}
