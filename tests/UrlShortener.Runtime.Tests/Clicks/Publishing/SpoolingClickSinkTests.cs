using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Clicks.Events;
using UrlShortener.Runtime.Clicks.Publishing;
using UrlShortener.Runtime.Clicks.Spool;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Tests.Clicks.Spool;
using UrlShortener.TestHarness.Product;
using Xunit;

namespace UrlShortener.Runtime.Tests.Clicks.Publishing;

[Collection(ProcessStateTestGroup.Name)]
public sealed class SpoolingClickSinkTests : IDisposable
{
    private static readonly DateTimeOffset At = new(2026, 11, 30, 8, 0, 0, TimeSpan.Zero);

    private readonly TestFolder _folder = new();
    private readonly Store _store = new();
    private readonly double _captured = ClickEventMetrics.Captured.Value;
    private readonly double _full = ClickEventMetrics.DroppedAtFullSpool.Value;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private double Captured => ClickEventMetrics.Captured.Value - _captured;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Append_Batch_IsStoredAndHasAnEventForEachClick()
    {
        using var spool = Open(1_048_576);
        using var sink = NewSink(spool);
        var batch = Guid.NewGuid();

        await sink.AppendAsync(batch, Clicks(100), Token);

        Assert.Equal((100, 1), (_store.Count, _store.Calls));
        var events = ReadAll(spool);
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"code{i}"), events.Select(read => read.Key));
        Assert.Equal(
            Enumerable.Range(0, 100).Select(i => ClickEvent.IdOf(batch, i, At)),
            events.Select(read => JsonDocument.Parse(read.Value).RootElement.GetProperty("id").GetGuid())
        );
        Assert.Equal(100, Captured);
    }

    [Fact]
    public async Task Append_StoreFailsAndGetsTheBatchAgain_HasEachEventOnce()
    {
        using var spool = Open(1_048_576);
        using var sink = NewSink(spool);
        var batch = Guid.NewGuid();
        _store.Error = new IOException("down");
        await Assert.ThrowsAsync<IOException>(() => sink.AppendAsync(batch, Clicks(10), Token));
        await Assert.ThrowsAsync<IOException>(() => sink.AppendAsync(batch, Clicks(10), Token));
        _store.Error = null;

        await sink.AppendAsync(batch, Clicks(10), Token);
        await sink.AppendAsync(Guid.NewGuid(), Clicks(1), Token);

        Assert.Equal(11, ReadAll(spool).Count);
        Assert.Equal((11, 11), (_store.Count, Captured));
    }

    [Fact]
    public async Task Append_SpoolIsFull_StoresAllTheSameAndCountsTheLoss()
    {
        using var spool = Open(8_192);
        using var sink = NewSink(spool);

        await sink.AppendAsync(Guid.NewGuid(), Clicks(100), Token);

        Assert.Equal(100, _store.Count);
        var events = ReadAll(spool).Count;
        Assert.InRange(events, 1, 99);
        Assert.Equal(100 - events, ClickEventMetrics.DroppedAtFullSpool.Value - _full);
        Assert.Equal(100, Captured);
    }

    private static List<StoredClick> Clicks(int count) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => new StoredClick($"code{i}", At, null, null, "Mozilla/5.0", default, null, null, DeviceClass.Desktop, false)),
        ];

    private static List<ReadEvent> ReadAll(ClickSpool spool)
    {
        var events = new List<ReadEvent>();
        while (ReadEvent.TryRead(spool, out var next))
            events.Add(next);
        return events;
    }

    private ClickSpool Open(long maxBytes) => ClickSpool.Open(_folder.PathOf("spool"), maxBytes, 4_096, NullLogger.Instance);

    private SpoolingClickSink NewSink(ClickSpool spool) =>
        new(spool, new ClickPublisher(spool, new FakeProducers(), new ClickOptions(), TimeProvider.System, NullLogger<ClickPublisher>.Instance), _store);

    private sealed class Store : IClickSink
    {
        public Exception? Error { get; set; }

        public int Count { get; private set; }

        public int Calls { get; private set; }

        public Task AppendAsync(Guid batch, IReadOnlyList<StoredClick> clicks, CancellationToken cancellationToken)
        {
            Calls++;
            if (Error is { } error)
                return Task.FromException(error);
            Count += clicks.Count;
            return Task.CompletedTask;
        }
    }
}
