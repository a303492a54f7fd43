namespace UrlShortener.Operator.KeyPools;

/// <summary>What a worker does, in the words of the service.</summary>
internal static class KgsState
{
    /// <summary>The pool has enough.</summary>
    public const string Idle = "idle";

    /// <summary>The pool is being filled.</summary>
    public const string Running = "running";

    /// <summary>The pool is being filled as fast as it may.</summary>
    public const string Throttled = "throttled";

    /// <summary>The last step failed and is tried again.</summary>
    public const string Failing = "failing";

    /// <summary>Whether the pool is being filled.</summary>
    public static bool IsFilling(string state) => state is Running or Throttled;
}
