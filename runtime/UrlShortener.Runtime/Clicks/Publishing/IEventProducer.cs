namespace UrlShortener.Runtime.Clicks.Publishing;

/// <summary>Sends click events to where other programs read them.</summary>
internal interface IEventProducer : IDisposable
{
    /// <summary>Sends an event without waiting. What became of it is reported later, from any thread.</summary>
    void Send(OutgoingEvent outgoing);
}

/// <summary>Makes producers. A producer that has failed for good is replaced by another one.</summary>
internal interface IEventProducerFactory
{
    /// <summary>Makes one.</summary>
    /// <param name="onReport">Called once for each event, unless the producer is disposed of before.</param>
    /// <param name="onFatal">Called when the producer has failed for good, with the reason.</param>
    IEventProducer Create(Action<OutgoingEvent, Delivery> onReport, Action<string> onFatal);
}

/// <summary>What became of an event that was sent.</summary>
/// <param name="IsConfirmed">Whether it is stored on as many servers as are asked for. Otherwise that is not known, and it is to be sent again.</param>
/// <param name="Reason">Why it is not confirmed, in the words of the client; empty when it is.</param>
internal readonly record struct Delivery(bool IsConfirmed, string Reason);
