using System.Text.Json;

namespace UrlShortener.Operator.Pods;

/// <summary>Answers of pods over HTTP.</summary>
internal static class PodAnswer
{
    /// <summary>
    /// Whether an exception says that a pod did not answer, or not with valid JSON. An unknown character set in a header is an InvalidOperationException, and a
    /// character that a header cannot have, a FormatException.
    /// </summary>
    public static bool IsFailure(Exception error) =>
        error is HttpRequestException or IOException or JsonException or InvalidOperationException or FormatException;
}
