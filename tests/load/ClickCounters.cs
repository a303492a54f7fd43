namespace UrlShortener.Load;

/// <summary>What the product says became of its redirects; requests that it did not send on are not among them.</summary>
internal sealed record ClickCounters(long Redirects, long Stored, long Dropped)
{
    public bool Settled => Stored + Dropped >= Redirects;

    public static ClickCounters Of(Exposition metrics) =>
        new(
            (long)metrics.Sum("shortener_redirects_total", "result=\"found\""),
            (long)metrics.Sum("shortener_clicks_stored_total"),
            (long)metrics.Sum("shortener_clicks_dropped_total")
        );
}
