namespace UrlShortener.Runtime.Clicks.Publishing;

/// <summary>Sends click events to where other programs read them.</summary>
internal interface IEventProducer : IDisposable
{
    /// <summary>Sends an event without waiting. What became of it is reported later, from any thread.</summary>
    void Send(OutgoingEvent outgoing);

    /// <summary>Whether another producer would connect differently now, because files that the settings name have changed. Reads these files.</summary>
    bool IsOutdated();
}

/// <summary>Makes producers. A producer that has failed for good, or is outdated, is replaced by another one.</summary>
internal interface IEventProducerFactory
{
    /// <summary>Makes one.</summary>
    /// <exception cref="Resilience.DependencyException">None can be made as things are. Says why.</exception>
    IEventProducer Create(ProducerCallbacks callbacks);
}

/// <summary>What a producer tells, from any thread, until it is disposed of.</summary>
/// <param name="OnReport">Called once for each event.</param>
/// <param name="OnFailure">Called when connections fail. The producer goes on by itself.</param>
/// <param name="OnFatal">Called when the producer has failed for good, with the reason.</param>
internal sealed record ProducerCallbacks(Action<OutgoingEvent, Delivery> OnReport, Action<PublishFailure> OnFailure, Action<string> OnFatal);

/// <summary>What became of an event that was sent.</summary>
/// <param name="Failure">
/// Null: it is stored on as many servers as are asked for. Otherwise that is not known, it is to be sent again, and this is the reason.
/// </param>
internal readonly record struct Delivery(PublishFailure? Failure)
{
    /// <summary>Whether it is stored.</summary>
    public bool IsConfirmed => Failure is null;
}
