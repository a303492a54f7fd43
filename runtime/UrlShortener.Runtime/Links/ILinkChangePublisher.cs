namespace UrlShortener.Runtime.Links;

/// <summary>Announces committed changes of links to every cache.</summary>
internal interface ILinkChangePublisher
{
    /// <summary>Called after a change or a deletion was committed.</summary>
    ValueTask PublishAsync(LinkVersion change, CancellationToken cancellationToken);

    /// <summary>Called after the creation of an alias was committed: a request may have named it before it existed, and caches remember that it did
    /// not.</summary>
    ValueTask PublishCreationAsync(string shortCode, CancellationToken cancellationToken);
}
