namespace UrlShortener.Runtime.Clicks.Loading;

/// <summary>Takes the records that cannot be loaded.</summary>
internal interface IDeadLetters
{
    /// <summary>Sends records, with the reason of each, and returns when all are stored. After a failure they may be there, and are sent again.</summary>
    Task SendAsync(EventBatch batch, IReadOnlyList<IncomingEvent> rejected, CancellationToken cancellationToken);
}
