namespace UrlShortener.Runtime.Resilience;

/// <summary>Distinguishes a failure of a server, which may be temporary, from a bug of ours. Only the stores know the exceptions of their drivers.</summary>
internal interface IFailureClassifier
{
    /// <summary>Whether trying again later may help.</summary>
    bool IsUnavailable(Exception error);
}
