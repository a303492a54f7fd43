using Microsoft.Extensions.Logging.Abstractions;
using UrlShortener.Runtime.Storage.Postgres;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Postgres;

public sealed class PostgresCancellationsTests
{
    private readonly PostgresCancellations _cancellations = new(NullLogger<PostgresCancellations>.Instance);

    [Fact]
    public async Task AbandonedCall_ThatEndsAllTheSame_ItsResultIsReleased()
    {
        using var wait = new CancellationTokenSource();
        var (answer, released) = (new TaskCompletionSource<string>(), new TaskCompletionSource<string>());
        var call = _cancellations.WithinAsync(_ => answer.Task, wait.Token, released.SetResult);

        await wait.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        // The server answered before the cancellation reached it.
        answer.SetResult("connection");

        Assert.Equal("connection", await released.Task.WaitAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task AnsweredCall_ItsResultIsReturnedAndNotReleased()
    {
        using var wait = new CancellationTokenSource();
        await wait.CancelAsync();

        Assert.Equal("connection", await _cancellations.WithinAsync(_ => Task.FromResult("connection"), wait.Token, _ => Assert.Fail("It is in use.")));
    }
}
