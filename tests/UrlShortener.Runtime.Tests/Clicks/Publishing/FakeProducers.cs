using System.Globalization;
using System.Text;
using UrlShortener.Runtime.Clicks.Publishing;

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

    public IEventProducer Create(Action<OutgoingEvent, Delivery> onReport, Action<string> onFatal)
    {
        lock (_lock)
        {
            var producer = new FakeProducer(this, onReport, onFatal);
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
            producer.Report(sent, new Delivery(isConfirmed, isConfirmed ? "" : "broken"));
    }

    /// <summary>The last producer fails for good.</summary>
    public void Break() => Read(() => _made[^1]).Break();

    private T Read<T>(Func<T> read)
    {
        lock (_lock)
            return read();
    }

    private sealed class FakeProducer(FakeProducers owner, Action<OutgoingEvent, Delivery> onReport, Action<string> onFatal) : IEventProducer
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

            onReport(sent, delivery);
        }

        public void Break() => onFatal("fenced");

        public void Dispose() => IsDisposed = true;
    }

    public static string Name(int i) => string.Create(CultureInfo.InvariantCulture, $"event-{i:000000}");
}
