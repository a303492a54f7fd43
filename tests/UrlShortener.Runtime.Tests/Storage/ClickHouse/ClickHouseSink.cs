using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Clicks.Events;
using UrlShortener.Runtime.Clicks.Loading;
using UrlShortener.Runtime.Statistics;
using UrlShortener.Runtime.Storage.ClickHouse;

namespace UrlShortener.Runtime.Tests.Storage.ClickHouse;

/// <summary>Puts clicks where statistics are read, as the loader does.</summary>
internal sealed class ClickHouseSink(ClickHouseDatabase database) : IClickSink, IDaySums
{
    private readonly ClickHouseWarehouse _warehouse = new(database);
    private readonly SourceLimit _sources = new();

    public Task AppendAsync(Guid batch, IReadOnlyList<StoredClick> clicks, CancellationToken cancellationToken) =>
        clicks.Count == 0
            ? Task.CompletedTask
            : _warehouse.InsertAsync(
                batch,
                [.. clicks.Select((click, i) => RowOf(batch, i, click))],
                TimeProvider.System.GetUtcNow().AddHours(1),
                cancellationToken
            );

    // Views keep the sums.
    public Task<int> SumUpAsync(DateOnly before, CancellationToken cancellationToken) => Task.FromResult(0);

    private NewClick RowOf(Guid batch, int index, StoredClick click)
    {
        lock (_sources)
            return new NewClick(new IncomingEvent(index, ClickEvent.IdOf(batch, index, click.At), click, null), _sources.Limit(click));
    }
}
