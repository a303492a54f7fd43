using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Caching;
using Xunit;

namespace UrlShortener.Runtime.Tests.Caching;

public sealed class ReadWindowTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly ReadWindow _window;

    public ReadWindowTests() => _window = new ReadWindow(TimeSpan.FromHours(1), _time);

    [Fact]
    public void Begin_UntilOneSucceeded_CoversWhatTheSharedTierHolds()
    {
        Assert.Equal((TimeSpan.FromSeconds(3_610), true), Describe(_window.Begin()));
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal((TimeSpan.FromSeconds(3_910), true), Describe(_window.Begin()));
    }

    [Fact]
    public void Begin_LaterReads_CoverTheTimeSinceTheLastSuccess()
    {
        _window.Succeeded(_window.Begin());
        _time.Advance(TimeSpan.FromSeconds(0.5));
        Assert.Equal((TimeSpan.FromSeconds(10.5), false), Describe(_window.Begin()));

        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal((TimeSpan.FromSeconds(310.5), false), Describe(_window.Begin()));
    }

    [Fact]
    public void Succeeded_SlowRead_CountsFromItsBegin()
    {
        var read = _window.Begin();
        _time.Advance(TimeSpan.FromSeconds(7));
        _window.Succeeded(read);

        Assert.Equal((TimeSpan.FromSeconds(17), false), Describe(_window.Begin()));
    }

    [Fact]
    public void Succeeded_ServerWasBehind_TheNextReadCoversWhatItDidNotHave()
    {
        _window.Succeeded(_window.Begin(), TimeSpan.FromMinutes(5));
        _time.Advance(TimeSpan.FromSeconds(0.5));
        Assert.Equal((TimeSpan.FromSeconds(310.5), false), Describe(_window.Begin()));

        // It has caught up.
        _window.Succeeded(_window.Begin());
        _time.Advance(TimeSpan.FromSeconds(0.5));
        Assert.Equal((TimeSpan.FromSeconds(10.5), false), Describe(_window.Begin()));
    }

    [Fact]
    public void Succeeded_AnotherServerIsFurtherBehind_TakesNothingBack()
    {
        _window.Succeeded(_window.Begin());
        _time.Advance(TimeSpan.FromSeconds(1));
        _window.Succeeded(_window.Begin(), TimeSpan.FromMinutes(5));

        Assert.Equal((TimeSpan.FromSeconds(11), false), Describe(_window.Begin()));
    }

    [Fact]
    public void Succeeded_ServerIsBehindForLongerThanLinksAreHeld_TheReadIsBounded()
    {
        _window.Succeeded(_window.Begin(), TimeSpan.FromDays(3));

        Assert.Equal((TimeSpan.FromSeconds(3_610), false), Describe(_window.Begin()));
    }

    private static (TimeSpan Age, bool IsFirst) Describe(LogRead read) => (read.Age, read.IsFirst);
}
