namespace UrlShortener.Runtime.Resilience;

/// <summary>Tells a failure of a server, which may pass, from a fault of ours. Only the stores know the exceptions of their drivers.</summary>
internal interface IFailureClassifier
{
    /// <summary>Whether trying again later may help.</summary>
    bool IsUnavailable(Exception error);
}
