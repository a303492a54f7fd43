using System.Globalization;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Statistics;
using UrlShortener.Runtime.Storage.ClickHouse;

namespace UrlShortener.Runtime.Tests.Storage.ClickHouse;

/// <summary>Puts clicks where statistics are read, as the loader does. It remembers the sources of each day, which the loader looks up.</summary>
internal sealed class ClickHouseSink(ClickHouseDatabase database) : IClickSink, IDaySums
{
    private static readonly string[] Columns =
    [
        "short_code",
        "clicked_at",
        "id",
        "is_bot",
        "device",
        "country",
        "city",
        "source",
        "summed_source",
        "referrer",
        "user_agent",
        "visitor",
        "deadline",
    ];

    private readonly Dictionary<(string Code, DateOnly Day), HashSet<string>> _sources = [];

    public Task AppendAsync(Guid batch, IReadOnlyList<StoredClick> clicks, CancellationToken cancellationToken) =>
        clicks.Count == 0 ? Task.CompletedTask : database.InsertAsync("click_inserts", Columns, [.. clicks.Select(RowOf)], batch.ToString(), cancellationToken);

    // Views keep the sums.
    public Task<int> SumUpAsync(DateOnly before, CancellationToken cancellationToken) => Task.FromResult(0);

    private object[] RowOf(StoredClick click) =>
        [
            click.ShortCode,
            click.At.UtcDateTime,
            Guid.CreateVersion7(click.At),
            click.IsBot,
            click.Device.ToString().ToLowerInvariant(),
            click.Country ?? "",
            click.City ?? "",
            click.Source ?? "",
            SummedSourceOf(click),
            click.Referrer ?? "",
            click.UserAgent ?? "",
            click.IpHash.Length == 0 ? 0UL : ulong.Parse(click.IpHash.AsSpan(0, 16), NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            TimeProvider.System.GetUtcNow().AddHours(1).UtcDateTime,
        ];

    private string SummedSourceOf(StoredClick click)
    {
        if (click.Source is not { } source || click.IsBot)
            return "";
        lock (_sources)
        {
            var key = (click.ShortCode, DateOnly.FromDateTime(click.At.UtcDateTime));
            if (!_sources.TryGetValue(key, out var known))
                _sources.Add(key, known = []);
            return known.Contains(source) || (known.Count < ClickSources.MaxPerDay && known.Add(source)) ? source : ClickSources.Others;
        }
    }
}
