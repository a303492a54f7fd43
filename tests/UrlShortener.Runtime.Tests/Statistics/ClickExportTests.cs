using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Statistics;
using Xunit;

namespace UrlShortener.Runtime.Tests.Statistics;

public sealed class ClickExportTests
{
    private static readonly DateTimeOffset At = new(2030, 3, 31, 0, 59, 59, 999, TimeSpan.Zero);
    private static readonly StatisticsQuery Berlin = new(At, At.AddDays(1), Granularity.Day, TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin"));
    private readonly FakeTimeProvider _time = new(At);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Write_Clicks_AreARecordEachInTheTimeOfTheZone()
    {
        var clicks = new Pages([
            [new(At, false, DeviceClass.Mobile, "DE", "news.example"), new(At.AddMilliseconds(1), true, DeviceClass.Other, null, null)],
            [new(At.AddHours(1), false, DeviceClass.Tablet, "US", "=cmd")],
        ]);

        var text = await WriteAsync(clicks, expected: 3);

        Assert.Equal(
            "clicked_at,is_bot,device,country,referrer\r\n"
                + "2030-03-31T01:59:59.999+01:00,false,mobile,DE,news.example\r\n"
                + "2030-03-31T03:00:00.000+02:00,true,other,unknown,direct\r\n"
                + "2030-03-31T03:59:59.999+02:00,false,tablet,US,'=cmd\r\n",
            text
        );
    }

    [Fact]
    public async Task Write_NoClicks_IsTheHeaderAlone() =>
        Assert.Equal("clicked_at,is_bot,device,country,referrer\r\n", await WriteAsync(new Pages([]), expected: 0));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Write_ClicksThatWereCountedAreGone_Fails(int pages)
    {
        var clicks = new Pages([.. Enumerable.Repeat<SingleClick[]>([new(At, false, DeviceClass.Mobile, null, null)], pages)]);
        var pipe = new Pipe();
        var hasBegun = false;

        await Assert.ThrowsAsync<IncompleteExportException>(() =>
            New(clicks).WriteAsync("abcd", Berlin, pages + 1, 1, () => hasBegun = true, pipe.Writer, Token)
        );

        // Without a page nothing was said yet, and the answer can still be an error.
        Assert.Equal(pages > 0, hasBegun);
    }

    [Fact]
    public async Task Write_ReaderHasLeft_ReadsNoFurtherPage()
    {
        var clicks = new Pages([
            [new(At, false, DeviceClass.Mobile, null, null)],
            [new(At, false, DeviceClass.Mobile, null, null)],
        ]);
        var pipe = new Pipe();
        await pipe.Reader.CompleteAsync();

        await Assert.ThrowsAsync<OperationCanceledException>(() => New(clicks).WriteAsync("abcd", Berlin, 2, 1, () => { }, pipe.Writer, Token));

        Assert.Equal(1, clicks.Read);
    }

    [Fact]
    public async Task Write_MoreThanASecondsRows_WaitsBeforeTheNextPage()
    {
        SingleClick[] page = [.. Enumerable.Repeat(new SingleClick(At, false, DeviceClass.Mobile, null, null), 50)];
        var clicks = new Pages([page, page]);

        var writing = WriteAsync(clicks, expected: 100, rowsPerSecond: 100);
        // Half a second's rows are written at once; the next page is not read before that time has passed.
        Assert.Equal((1, false), (clicks.Read, writing.IsCompleted));
        _time.Advance(TimeSpan.FromMilliseconds(499));
        Assert.Equal(1, clicks.Read);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        await clicks.SecondRead;
        // It may begin to wait only now.
        while (!writing.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }

        Assert.Equal(101, (await writing).Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length);
    }

    // The clock stands still, so that whoever waits for it does not end.
    private ClickExport New(Pages clicks, int rowsPerSecond = int.MaxValue) => new(clicks, new ExportOptions { RowsPerSecond = rowsPerSecond }, _time);

    private async Task<string> WriteAsync(Pages clicks, long expected, int rowsPerSecond = int.MaxValue)
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        await New(clicks, rowsPerSecond).WriteAsync("abcd", Berlin, expected, 1, () => { }, pipe.Writer, Token);
        await pipe.Writer.CompleteAsync();
        await using var stream = pipe.Reader.AsStream();
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return await reader.ReadToEndAsync(Token);
    }

    private sealed class Pages(IReadOnlyList<SingleClick[]> pages) : ISingleClicks
    {
        private readonly TaskCompletionSource _second = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Read { get; private set; }

        public Task SecondRead => _second.Task;

        public Task<long> CountAsync(string shortCode, DateTimeOffset from, DateTimeOffset to, long limit, long caller, CancellationToken cancellationToken) =>
            Task.FromResult(pages.Sum(page => (long)page.Length));

        public async IAsyncEnumerable<IReadOnlyList<SingleClick>> ReadAsync(
            string shortCode,
            DateTimeOffset from,
            DateTimeOffset to,
            long caller,
            [EnumeratorCancellation] CancellationToken cancellationToken
        )
        {
            foreach (var page in pages)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (++Read == 2)
                    _second.SetResult();
                yield return page;
            }

            await Task.CompletedTask;
        }
    }
}
