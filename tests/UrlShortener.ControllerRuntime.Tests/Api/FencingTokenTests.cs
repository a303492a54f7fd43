using Microsoft.Extensions.Time.Testing;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Election;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests.Api;

public sealed class FencingTokenTests
{
    private static readonly TimeSpan Writable = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Held = TimeSpan.FromSeconds(15);
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Token_NotRenewed_IsStaleAtTheDeadline()
    {
        var token = Begin();

        _time.Advance(TimeSpan.FromSeconds(9.9));
        token.ThrowIfStale();
        Assert.Equal(TimeSpan.FromSeconds(5.1), token.TimeLeft);
        _time.Advance(TimeSpan.FromSeconds(0.1));

        Assert.Throws<LeadershipLostException>(token.ThrowIfStale);
    }

    [Fact]
    public void Extend_FromBeforeTheRenewalWasSent_CountsFromThere()
    {
        var token = Begin();
        var sent = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromSeconds(4));

        token.Extend(sent);
        _time.Advance(TimeSpan.FromSeconds(6));

        Assert.False(token.IsValid);
    }

    [Fact]
    public void Extend_AfterItWentStale_StaysStale()
    {
        var token = Begin();
        _time.Advance(TimeSpan.FromSeconds(40));

        token.Extend(_time.GetTimestamp());

        Assert.False(token.IsValid);
    }

    [Fact]
    public void RequireToken_LeadershipEnded_Refuses()
    {
        using var leadership = new Leadership();
        Assert.Throws<LeadershipLostException>(leadership.RequireToken);
        leadership.Begin(Begin());
        leadership.RequireToken();

        leadership.End();

        Assert.True(leadership.Lost.IsCancellationRequested);
        Assert.Throws<LeadershipLostException>(leadership.RequireToken);
    }

    private FencingToken Begin() => new(_time.GetTimestamp(), Writable, Held, _time);
}
