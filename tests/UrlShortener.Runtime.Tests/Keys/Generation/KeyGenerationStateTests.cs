using Microsoft.Extensions.Time.Testing;
using UrlShortener.Contracts;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Keys.Generation;
using Xunit;

namespace UrlShortener.Runtime.Tests.Keys.Generation;

public sealed class KeyGenerationStateTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly KeyEpoch _epoch = new();
    private readonly KeyGenerationState _state;

    public KeyGenerationStateTests()
    {
        _state = new KeyGenerationState(new RegionOptions { Name = "eu-west" }, new KgsOptions(), _epoch, _time);
        _epoch.Observe(1);
    }

    [Fact]
    public void Read_NothingKnown_SaysSo()
    {
        var status = _state.Read();

        Assert.Equal(("eu-west", KeyGenerationPhase.Idle, 1_000_000), (status.Region, status.State, status.TargetLevel));
        Assert.Equal((null, null, null, null), (status.Level, status.SecondsToExhaustion, status.LastError, status.KeyspaceUsedShare));
    }

    [Fact]
    public void Read_Samples_GivesTheRatesOfTheLastMinuteOnly()
    {
        Sample(0, 1_000_000);
        Sample(600, 1_000);
        Sample(30, 700);

        var status = _state.Read();

        Assert.Equal((700, 10, 70), (status.Level, status.ConsumedPerSecond, status.SecondsToExhaustion));
    }

    [Fact]
    public void Read_OwnBatches_AreRatesAndTotals()
    {
        Sample(0, 0);
        _state.NoteClaimed(300);
        _state.NotePooled(300);
        _state.NoteBatch(300);
        Sample(10, 250);

        var status = _state.Read();

        Assert.Equal((30, 5, 300), (status.GeneratedPerSecond, status.ConsumedPerSecond, status.ClaimedTotal));
        Assert.Equal(300, status.LastBatchSize);
    }

    [Fact]
    public void Read_NewEpoch_ForgetsTheOldPool()
    {
        Sample(0, 1_000);
        Sample(10, 500);
        _epoch.Observe(2);

        Assert.Null(_state.Read().Level);
        Assert.Null(_state.Read().SecondsToExhaustion);

        _state.NoteSample(2, 90);
        var status = _state.Read();
        Assert.Equal((90, 0, null), (status.Level, status.ConsumedPerSecond, status.SecondsToExhaustion));
    }

    [Fact]
    public void Read_RegisteredCodes_AreAShareOfTheKeyspace()
    {
        _state.NoteRegistered(3_521_614_606_208);

        Assert.Equal(1.0, _state.Read().KeyspaceUsedShare);
    }

    private void Sample(int secondsLater, long level)
    {
        _time.Advance(TimeSpan.FromSeconds(secondsLater));
        _state.NoteSample(1, level);
    }
}
