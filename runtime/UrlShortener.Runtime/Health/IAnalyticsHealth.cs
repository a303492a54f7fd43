namespace UrlShortener.Runtime.Health;

/// <summary>Checks how well the server of statistics works, if there is one besides the store.</summary>
internal interface IAnalyticsHealth
{
    /// <summary>Whether it answers and has the tables of this version.</summary>
    Task<bool> CheckAsync(CancellationToken cancellationToken);
}
