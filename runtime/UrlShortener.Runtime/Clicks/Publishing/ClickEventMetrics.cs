using Prometheus;
using UrlShortener.Runtime.Clicks.Spool;

namespace UrlShortener.Runtime.Clicks.Publishing;

/// <summary>What the publication of click events reports: captured + recovered = published + dropped + spooled.</summary>
internal static class ClickEventMetrics
{
    /// <summary>Events of captured clicks.</summary>
    public static readonly Counter Captured = Metrics.CreateCounter(
        "shortener_click_events_captured_total",
        "Events of captured clicks: published, spooled or dropped."
    );

    /// <summary>Events with a delivery report.</summary>
    public static readonly Counter Published = Metrics.CreateCounter("shortener_click_events_published_total", "Click events that Kafka has confirmed.");

    private static readonly Counter Recovered = Metrics.CreateCounter(
        "shortener_click_events_recovered_total",
        "Click events of an earlier process that were in the spool at the start."
    );

    private static readonly Counter Dropped = Metrics.CreateCounter("shortener_click_events_dropped_total", "Click events lost, by reason.", "reason");

    /// <summary>Events lost because the spool had reached its size.</summary>
    public static readonly Counter.Child DroppedAtFullSpool = Dropped.WithLabels("spool_full");

    /// <summary>Events lost because the spool could not be written, and memory had no room.</summary>
    public static readonly Counter.Child DroppedAtFailedSpool = Dropped.WithLabels("spool_failed");

    private static readonly Counter.Child DroppedAsDamaged = Dropped.WithLabels("damaged");

    private static readonly Gauge Spooled = Metrics.CreateGauge("shortener_click_events_spooled", "Click events in the spool that Kafka has not confirmed.");

    private static readonly Gauge SpoolBytes = Metrics.CreateGauge("shortener_click_spool_bytes", "Bytes of the spool of click events on disk.");

    private static readonly Gauge SpoolLimit = Metrics.CreateGauge("shortener_click_spool_limit_bytes", "Most bytes that the spool of click events takes.");

    private static readonly Gauge SpoolUnwritable = Metrics.CreateGauge(
        "shortener_click_spool_unwritable",
        "1 while the disk does not take click events; they are sent from memory."
    );

    private static readonly Counter ProducersFailed = Metrics.CreateCounter(
        "shortener_click_producer_failures_total",
        "Producers of Kafka that failed for good and were replaced."
    );

    private static readonly Gauge Failing = Metrics.CreateGauge("shortener_click_events_failing", "1 while click events do not arrive, by reason.", "reason");

    private static readonly Gauge.Child[] FailingByKind =
    [
        .. Enum.GetValues<FailureKind>().Select(kind => Failing.WithLabels(kind.ToString().ToLowerInvariant())),
    ];

    private static ClickSpool? Observed;

    static ClickEventMetrics() => Metrics.DefaultRegistry.AddBeforeCollectCallback(Compute);

    /// <summary>Says which spool to report, of a publication that begins: nothing fails yet.</summary>
    public static void Observe(ClickSpool spool, long limit)
    {
        SetFailing(null);
        Recovered.Inc(spool.Recovered);
        SpoolLimit.Set(limit);
        Volatile.Write(ref Observed, spool);
    }

    /// <summary>A producer failed for good.</summary>
    public static void CountFailedProducer() => ProducersFailed.Inc();

    /// <summary>Events do not arrive for this reason; null: they do.</summary>
    public static void SetFailing(FailureKind? kind)
    {
        for (var i = 0; i < FailingByKind.Length; i++)
            FailingByKind[i].Set(i == (int?)kind ? 1 : 0);
    }

    private static void Compute()
    {
        if (Volatile.Read(ref Observed) is not { } spool)
            return;
        Spooled.Set(spool.Records);
        SpoolBytes.Set(spool.Bytes);
        SpoolUnwritable.Set(spool.IsUnwritable ? 1 : 0);
        DroppedAsDamaged.IncTo(spool.Damaged);
    }
}
