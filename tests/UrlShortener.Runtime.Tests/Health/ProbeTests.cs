using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Health;
using Xunit;

namespace UrlShortener.Runtime.Tests.Health;

public sealed class ProbeTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly List<Exception> _failures = [];
    private int _calls;

    [Fact]
    public async Task Ask_ManyAtOnceAndSoonAfter_IsOneCall()
    {
        var answer = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var probe = New(_ => answer.Task);

        var asked = Enumerable.Range(0, 100).Select(_ => probe.AskAsync()).ToList();
        answer.SetResult("good");

        Assert.All(await Task.WhenAll(asked), state => Assert.Equal("good", state));
        _time.Advance(TimeSpan.FromSeconds(0.9));
        Assert.Equal("good", await probe.AskAsync());
        Assert.Equal(1, _calls);
    }

    [Fact]
    public async Task Ask_AfterASecond_IsAnotherCall()
    {
        var probe = New(_ => Task.FromResult($"{_calls}"));
        Assert.Equal("1", await probe.AskAsync());

        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal("2", await probe.AskAsync());
    }

    [Fact]
    public async Task Ask_Fails_IsSilentAndTold()
    {
        var probe = New(_ => throw new IOException("down"));

        Assert.Equal("silent", await probe.AskAsync());
        Assert.IsType<IOException>(Assert.Single(_failures));
    }

    [Fact]
    public async Task Ask_DoesNotAnswerInTime_IsSilentAndTheCallEnds()
    {
        var ended = new TaskCompletionSource();
        var probe = New(async token =>
        {
            await using var registration = token.Register(ended.SetResult);
            return await new TaskCompletionSource<string>().Task;
        });

        var asked = probe.AskAsync();
        await Eventually.HoldsAsync(() => asked.IsCompleted, () => _time.Advance(TimeSpan.FromSeconds(0.5)));

        Assert.Equal("silent", await asked);
        await ended.Task;
    }

    private Probe<string> New(Func<CancellationToken, Task<string>> ask) =>
        new(
            token =>
            {
                Interlocked.Increment(ref _calls);
                return ask(token);
            },
            "silent",
            _failures.Add,
            _time
        );
}
