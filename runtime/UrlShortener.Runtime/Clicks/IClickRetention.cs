namespace UrlShortener.Runtime.Clicks;

/// <summary>Deletes stored clicks.</summary>
internal interface IClickRetention
{
    /// <summary>
    /// Deletes clicks and sums of deleted links, about <paramref name="limit"/> stored records; returns how many, 0 when nothing is due. Clicks that arrive
    /// later become due again.
    /// </summary>
    Task<int> DeleteOfDeletedLinksAsync(int limit, CancellationToken cancellationToken);

    /// <summary>Deletes clicks older than a moment, at most <paramref name="limit"/> stored records of them; returns how many. A store may keep a record a
    /// little longer than that.</summary>
    Task<int> DeleteBeforeAsync(DateTimeOffset moment, int limit, CancellationToken cancellationToken);
}
