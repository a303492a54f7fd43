namespace UrlShortener.Runtime.Clicks.Publishing;

/// <summary>
/// What a client told lately, from any thread. After a refused password, for example, it also tells that all brokers are away: of what
/// was told within a while, the fault that says most counts.
/// </summary>
internal sealed class LatestFailure(TimeProvider time)
{
    private readonly Lock _lock = new();
    private PublishFailure? _failure;
    private long _at;

    /// <summary>The failure; null: none was told since the last <see cref="Forget"/>.</summary>
    public PublishFailure? Value
    {
        get
        {
            lock (_lock)
                return _failure;
        }
    }

    /// <summary>The client tells of a failure.</summary>
    public void Tell(PublishFailure failure)
    {
        lock (_lock)
        {
            if (_failure is not null && failure.Kind < _failure.Kind && time.GetElapsedTime(_at) < ClickPublisher.Patience)
                return;
            (_failure, _at) = (failure, time.GetTimestamp());
        }
    }

    /// <summary>Events arrive.</summary>
    public void Forget()
    {
        lock (_lock)
            _failure = null;
    }
}
