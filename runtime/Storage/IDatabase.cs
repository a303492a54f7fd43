namespace UrlShortener.Runtime.Storage;

/// <summary>The store as a whole.</summary>
internal interface IDatabase
{
    /// <summary>Makes what is missing and brings the tables up to date. Safe when two processes do it at once.</summary>
    /// <exception cref="InvalidOperationException">It cannot; the message names the setting and the cause.</exception>
    void Migrate();

    /// <summary>Completes when the store takes writes; throws what stands in the way.</summary>
    Task CheckAsync(CancellationToken cancellationToken);
}
