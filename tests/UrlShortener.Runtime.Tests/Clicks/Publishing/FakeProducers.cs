using System.Globalization;
using System.Text;
using UrlShortener.Runtime.Clicks.Publishing;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Tests.Clicks.Publishing;

/// <summary>Producers whose servers the test plays: it confirms what was sent, or fails.</summary>
internal sealed class FakeProducers : IEventProducerFactory
{
    private readonly Lock _lock = new();
    private readonly List<FakeProducer> _made = [];
    private readonly List<OutgoingEvent> _waiting = [];
    private readonly List<string> _delivered = [];

    /// <summary>What becomes of an event as soon as it is sent; null: it waits for the test.</summary>
    public Func<string, Delivery?> OnSend { get; set; } = _ => null;

    /// <summary>How many were made.</summary>
    public int Made => Read(() => _made.Count);

    /// <summary>Whether all but the last one are disposed of.</summary>
    public bool OnlyLastIsOpen => Read(() => _made.SkipLast(1).All(producer => producer.IsDisposed) && !_made[^1].IsDisposed);

    /// <summary>Events that were sent by the last producer and have no report.</summary>
    public IReadOnlyList<string> Waiting => Read<IReadOnlyList<string>>(() => [.. _waiting.Select(NameOf)]);

    /// <summary>Events that arrived, in that order.</summary>
    public IReadOnlyList<string> Delivered => Read<IReadOnlyList<string>>(() => [.. _delivered]);

    public static string NameOf(OutgoingEvent sent) => Encoding.ASCII.GetString(sent.Value);

    /// <summary>A delivery that is confirmed.</summary>
    public static Delivery Confirmed { get; } = new(null);

    /// <summary>Whether files of the connection have changed since the last producer was made.</summary>
    public bool IsOutdated { get; set; }

    /// <summary>Why no producer can be made; null: one can.</summary>
    public string? Obstacle { get; set; }

    public IEventProducer Create(ProducerCallbacks callbacks)
    {
        lock (_lock)
        {
            if (Obstacle is not null)
                throw new DependencyException(Obstacle, new InvalidOperationException());
            IsOutdated = false;
            var producer = new FakeProducer(this, callbacks);
            _made.Add(producer);
            _waiting.Clear();
            return producer;
        }
    }

    /// <summary>Reports on the events that wait, in an order of the test's choice.</summary>
    public void Report(bool isConfirmed, Func<IEnumerable<OutgoingEvent>, IEnumerable<OutgoingEvent>>? choose = null)
    {
        List<OutgoingEvent> chosen;
        FakeProducer producer;
        lock (_lock)
        {
            chosen = [.. (choose ?? (all => all))(_waiting)];
            producer = _made[^1];
            _waiting.RemoveAll(chosen.Contains);
        }

        foreach (var sent in chosen)
            producer.Report(sent, isConfirmed ? Confirmed : new Delivery(new PublishFailure(FailureKind.Refused, "broken")));
    }

    /// <summary>The last producer fails for good.</summary>
    public void Break() => Read(() => _made[^1]).Break();

    /// <summary>Connections of the last producer fail.</summary>
    public void Fail(FailureKind kind) => Read(() => _made[^1]).Fail(kind);

    private T Read<T>(Func<T> read)
    {
        lock (_lock)
            return read();
    }

    private sealed class FakeProducer(FakeProducers owner, ProducerCallbacks callbacks) : IEventProducer
    {
        public bool IsDisposed { get; private set; }

        public void Send(OutgoingEvent outgoing)
        {
            if (owner.OnSend(NameOf(outgoing)) is { } delivery)
            {
                Report(outgoing, delivery);
                return;
            }

            lock (owner._lock)
                owner._waiting.Add(outgoing);
        }

        public void Report(OutgoingEvent sent, Delivery delivery)
        {
            if (delivery.IsConfirmed)
            {
                lock (owner._lock)
                    owner._delivered.Add(NameOf(sent));
            }

            callbacks.OnReport(sent, delivery);
        }

        public void Break() => callbacks.OnFatal("fenced");

        public void Fail(FailureKind kind) => callbacks.OnFailure(new PublishFailure(kind, kind.ToString()));

        public bool IsOutdated() => owner.IsOutdated;

        public void Dispose() => IsDisposed = true;
    }

    public static string Name(int i) => string.Create(CultureInfo.InvariantCulture, $"event-{i:000000}");
}
