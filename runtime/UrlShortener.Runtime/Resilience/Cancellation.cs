namespace UrlShortener.Runtime.Resilience;

/// <summary>Distinguishes work that was cancelled from work that failed.</summary>
internal static class Cancellation
{
    /// <summary>
    /// Whether work ended because its token was cancelled. False for a timeout, which some clients report as a cancellation, and for a failure that happens at
    /// the same moment as the cancellation.
    /// </summary>
    public static bool IsStopBy(this Exception error, CancellationToken token) => error is OperationCanceledException && token.IsCancellationRequested;
}
