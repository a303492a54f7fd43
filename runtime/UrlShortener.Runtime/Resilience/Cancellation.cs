namespace UrlShortener.Runtime.Resilience;

/// <summary>Tells the end of work that was to end from failures of it.</summary>
internal static class Cancellation
{
    /// <summary>
    /// Whether an exception means that work ended because a token told it to. A timeout, a cancellation to some clients, does not; nor does a failure that
    /// happens to come in the same moment as the token's end.
    /// </summary>
    public static bool IsStopBy(this Exception error, CancellationToken token) => error is OperationCanceledException && token.IsCancellationRequested;
}
