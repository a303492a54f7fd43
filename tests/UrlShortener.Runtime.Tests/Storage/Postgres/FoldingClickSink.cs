using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Storage.Postgres;

namespace UrlShortener.Runtime.Tests.Storage.Postgres;

/// <summary>Counts clicks as soon as they are stored, as the contracts of the stores expect it.</summary>
internal sealed class FoldingClickSink(PostgresDatabase database, PostgresClickFolder folder) : IClickSink
{
    private readonly PostgresClickSink _sink = new(database);

    public async Task AppendAsync(Guid batch, IReadOnlyList<StoredClick> clicks, CancellationToken cancellationToken)
    {
        await _sink.AppendAsync(batch, clicks, cancellationToken);
        await folder.FoldAllAsync(cancellationToken);
    }
}
