using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Storage;

/// <summary>The tables of the server of statistics, if there is one besides the store.</summary>
internal interface IAnalyticsTables
{
    /// <summary>
    /// Brings the tables up to date, and sets how long single clicks are kept. Safe to run in two processes at once, and to repeat after an interruption.
    /// </summary>
    /// <exception cref="ConfigurationException">The server refuses the connection string; the message names the setting and the cause.</exception>
    /// <exception cref="InvalidOperationException">A failure that may be temporary.</exception>
    Task MigrateAsync(CancellationToken cancellationToken);
}
