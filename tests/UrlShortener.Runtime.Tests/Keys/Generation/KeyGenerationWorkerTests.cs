using Microsoft.Extensions.Logging;
using UrlShortener.Contracts;
using UrlShortener.Runtime.Tests.Regions;
using Xunit;

namespace UrlShortener.Runtime.Tests.Keys.Generation;

public sealed class KeyGenerationWorkerTests : IAsyncDisposable
{
    private readonly GenerationRegion _region = new();

    public ValueTask DisposeAsync() => _region.DisposeAsync();

    [Fact]
    public async Task Start_NothingThere_OpensTheFirstEpochAndFillsToTheTarget()
    {
        var service = await _region.StartAsync();

        await Eventually.HoldsAsync(() => service.Phase == KeyGenerationPhase.Idle && _region.Pool.Level == 1_000);

        Assert.Equal((1, 1, 1), (_region.Registry.Epoch, _region.Pool.Epoch, service.Epoch.Current));
        Assert.Equal(1_000, _region.Registry.Claimed);
        Assert.All(
            _region.Registry.Batches,
            batch =>
            {
                Assert.InRange(batch.Codes.Count, 1, 90);
                Assert.Equal((true, "local", 1), (batch.IsPooled, batch.Region, batch.Epoch));
            }
        );
        _region.AssertSound();
    }

    [Fact]
    public async Task Run_BetweenWatermarks_MakesNothing()
    {
        var service = await StartFilledAsync();
        _region.Pool.Take(600);
        var looks = service.Faults.Count("level:after");

        await _region.RunUntilAsync(() => service.Faults.Count("level:after") >= looks + 5);

        Assert.Equal(400, _region.Pool.Level);
        Assert.Equal(1_000, _region.Registry.Claimed);
    }

    [Fact]
    public async Task Run_RegionTakesNoChanges_PausesQuietlyAndFillsTheEpochInForceAfterwards()
    {
        var service = await StartFilledAsync();
        service.Access.Note(TestRegions.Standby);
        await _region.RunUntilAsync(() => service.Phase == KeyGenerationPhase.Paused);
        // Another region was promoted and opened an epoch meanwhile. Calls would fail.
        _region.Registry.Epoch = 2;
        var calls = service.Faults.Count("epoch:after");
        _region.Pool.Take(1_000);
        for (var i = 0; i < 5; i++)
            _region.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((calls, KeyGenerationPhase.Paused), (service.Faults.Count("epoch:after"), service.Phase));

        service.Access.Note(null);

        await _region.RunUntilAsync(() => _region.Pool.Epoch == 2 && _region.Pool.Level == 1_000 && service.Phase == KeyGenerationPhase.Idle);
        Assert.Empty(service.Logged);
        Assert.Equal(2, service.Epoch.Current);
        _region.AssertSound();
    }

    [Fact]
    public async Task Run_BelowTheLowWatermark_FillsToTheTarget()
    {
        await StartFilledAsync();
        _region.Pool.Take(601);

        await _region.RunUntilAsync(() => _region.Pool.Level == 1_000);

        Assert.Equal(1_601, _region.Registry.Claimed);
    }

    [Fact]
    public async Task Run_RefillCommanded_FillsAtOnce()
    {
        var service = await StartFilledAsync();
        _region.Pool.Take(10);

        service.Refill.Command();

        // The clock stands still.
        await Eventually.HoldsAsync(() => _region.Pool.Level == 1_000);
    }

    [Fact]
    public async Task Run_KnownCodes_NeverReachThePool()
    {
        _region.Registry.RefuseFirst = 150;

        await StartFilledAsync();

        Assert.Equal(150, _region.Registry.Refused.Count);
        Assert.DoesNotContain(_region.Pool.Added, key => _region.Registry.Refused.Contains(key.Code));
        _region.AssertSound();
    }

    [Fact]
    public async Task Run_AboveTheCriticalWatermark_KeepsToTheLimit()
    {
        _region.Options.MaxKeysPerSecond = 100;
        _region.Options.TargetLevel = 2_000;
        var service = await _region.StartAsync();
        // The pool was empty, so that the first batches had no limit: one of each worker begins below the watermark, and one more may.
        await Eventually.HoldsAsync(() => service.Phase == KeyGenerationPhase.Throttled);
        var (claimed, started) = (_region.Registry.Claimed, _region.Time.GetTimestamp());
        Assert.InRange(claimed, 100, 4 * 90);

        await _region.RunUntilAsync(() => _region.Registry.Claimed >= claimed + 500);

        var seconds = _region.Time.GetElapsedTime(started).TotalSeconds;
        Assert.InRange(_region.Registry.Claimed - claimed, 500, (100 * seconds) + (2 * 90));
    }

    [Fact]
    public async Task Run_BelowTheCriticalWatermark_HasNoLimit()
    {
        _region.Options.MaxKeysPerSecond = 10;
        var service = await _region.StartAsync();
        await Eventually.HoldsAsync(() => service.Phase == KeyGenerationPhase.Throttled);
        _region.Pool.Take(1_000);
        var started = _region.Time.GetTimestamp();

        await _region.RunUntilAsync(() => _region.Pool.Level >= 100);

        // At the limit it were ten seconds.
        Assert.InRange(_region.Time.GetElapsedTime(started).TotalSeconds, 0, 5);
    }

    [Theory]
    [InlineData("claim:before")]
    [InlineData("claim:after")]
    [InlineData("pool:before")]
    [InlineData("pool:after")]
    [InlineData("mark:before")]
    [InlineData("mark:after")]
    public async Task Death_BetweenAnyTwoSteps_AnotherFinishesTheBatch(string point)
    {
        _region.Options.Workers = 1;
        var dead = await _region.StartAsync(new Faults { DieAt = point });
        await Eventually.HoldsAsync(() => dead.Faults.IsDead);
        await dead.Worker.StopAsync(TestContext.Current.CancellationToken);
        var leftUnmarked = _region.Registry.Batches.Count(batch => !batch.IsPooled);
        // What it had pooled is being used meanwhile.
        _region.Pool.Take(50);

        var heir = await _region.StartAsync();
        await _region.RunUntilAsync(() => _region.Registry.Batches.All(batch => batch.IsPooled) && _region.Pool.Level >= 1_000);

        Assert.Equal(leftUnmarked, heir.State.Read().AdoptedBatches);
        _region.AssertSound();
        var added = _region.Pool.Added.Select(key => key.Code).ToHashSet(StringComparer.Ordinal);
        Assert.All(_region.Registry.Batches.SelectMany(batch => batch.Codes), code => Assert.Contains(code, added));
        // Twice came only what was in the pool when its worker died.
        var twice = _region.Pool.Added.Count - added.Count;
        Assert.Equal(point is "pool:after" or "mark:before" ? 90 : 0, twice);
    }

    [Theory]
    [InlineData("claim:before", 1)]
    [InlineData("pool:before", 0)]
    [InlineData("mark:before", 0)]
    public async Task Epoch_OpenedWithinABatch_NoOldCodeReachesTheNewPool(string point, int discarded)
    {
        _region.Options.Workers = 1;
        var faults = new Faults();
        faults.OnPoint = passed =>
        {
            if (passed == point && faults.Count(point) == 3)
                _region.Registry.Epoch = 2;
        };
        var service = await _region.StartAsync(faults);

        await _region.RunUntilAsync(() => _region.Pool.Epoch == 2 && _region.Pool.Level == 1_000);

        _region.AssertSound();
        Assert.Equal(2, service.Epoch.Current);
        Assert.InRange(service.State.Read().DiscardedBatches, discarded, 1);
        Assert.Equal(1_000, _region.Registry.Batches.Where(batch => batch.Epoch == 2).Sum(batch => batch.Codes.Count));
    }

    [Fact]
    public async Task Epoch_OpenedWhileIdle_FillsTheNewPool()
    {
        var service = await StartFilledAsync();
        _region.Registry.Epoch = 7;

        await _region.RunUntilAsync(() => _region.Pool.Epoch == 7 && _region.Pool.Level == 1_000);

        Assert.Equal((7, 7), (service.Epoch.Current, service.State.Read().PoolEpoch));
        Assert.Equal(2_000, _region.Registry.Claimed);
        _region.AssertSound();
    }

    [Fact]
    public async Task Epoch_LostByTheRegistry_ANewerOneIsOpened()
    {
        var service = await StartFilledAsync();
        _region.Registry.Epoch = 5;
        await _region.RunUntilAsync(() => service.Epoch.Current == 5);

        _region.Registry.Epoch = 1;

        // Caches and processes hold what was done in the lost one.
        await _region.RunUntilAsync(() => _region.Registry.Epoch == 6);
    }

    [Fact]
    public async Task Pool_LosesItsData_IsToldTheEpochAndFilledAgain()
    {
        await StartFilledAsync();
        _region.Pool.LoseEverything();

        await _region.RunUntilAsync(() => _region.Pool.Epoch == 1 && _region.Pool.Level == 1_000);

        Assert.Equal(2_000, _region.Registry.Claimed);
    }

    [Theory]
    [InlineData("epoch:before", "epoch")]
    [InlineData("tell:before", "pool")]
    [InlineData("adopt:before", "unfinished")]
    [InlineData("level:before", "counted")]
    [InlineData("claim:before", "claimed")]
    [InlineData("claim:after", "claimed")]
    [InlineData("pool:before", "put into the pool")]
    [InlineData("pool:after", "put into the pool")]
    [InlineData("mark:before", "marked")]
    [InlineData("estimate:before", "registered codes")]
    public async Task Outage_OfAnyStep_IsToldOnceAndRecoveredFrom(string point, string expected)
    {
        var service = await _region.StartAsync(new Faults { FailAt = point });
        await _region.RunUntilAsync(() => service.Faults.Count(point) >= 6 && service.Phase == KeyGenerationPhase.Failing);
        var status = service.State.Read();
        Assert.Contains(expected, status.LastError, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", status.LastError, StringComparison.Ordinal);
        Assert.NotNull(status.LastErrorAt);
        Assert.Equal([LogLevel.Warning], service.Logged);

        service.Faults.FailAt = null;
        await _region.RunUntilAsync(() => service.Phase == KeyGenerationPhase.Idle && _region.Pool.Level >= 1_000);

        // Batches cut off by the outage are adopted, and there is nothing left of it but the last error.
        await _region.RunUntilAsync(() => _region.Registry.Batches.All(batch => batch.IsPooled));
        Assert.Equal([LogLevel.Warning, LogLevel.Information], service.Logged);
        Assert.NotNull(service.State.Read().LastError);
        _region.AssertSound();
    }

    [Fact]
    public async Task Outage_InTheMiddleOfAFill_IsFollowedByTheRestOfIt()
    {
        var faults = new Faults();
        faults.OnPoint = passed =>
        {
            if (passed == "claim:before" && faults.Count("claim:before") == 8)
                faults.FailAt = passed;
        };
        var service = await _region.StartAsync(faults);
        await Eventually.HoldsAsync(() => service.Phase == KeyGenerationPhase.Failing);
        Assert.InRange(_region.Pool.Level, 400, 999);

        faults.OnPoint = null;
        faults.FailAt = null;

        await _region.RunUntilAsync(() => _region.Pool.Level == 1_000);
    }

    [Fact]
    public async Task Call_WithoutAnswer_IsCutOffAndTriedAgain()
    {
        var service = await _region.StartAsync(new Faults { HangAt = "claim:before" });
        await _region.RunUntilAsync(() => service.Phase == KeyGenerationPhase.Failing);
        Assert.False(service.Worker.ExecuteTask!.IsCompleted);

        service.Faults.HangAt = null;

        await _region.RunUntilAsync(() => _region.Pool.Level == 1_000);
    }

    [Theory]
    [InlineData("epoch:before")]
    [InlineData("claim:before")]
    [InlineData("pool:before")]
    public async Task Stop_DuringACall_EndsAtOnce(string point)
    {
        var service = await _region.StartAsync(new Faults { HangAt = point });
        await Eventually.HoldsAsync(() => service.Faults.Count(point) > 0);

        await service.Worker.StopAsync(TestContext.Current.CancellationToken);

        Assert.True(service.Worker.ExecuteTask!.IsCanceled);
        Assert.Empty(service.Logged);
    }

    [Fact]
    public async Task Stop_WhileThrottled_EndsAtOnce()
    {
        _region.Options.MaxKeysPerSecond = 1;
        var service = await _region.StartAsync();
        await Eventually.HoldsAsync(() => service.Phase == KeyGenerationPhase.Throttled);

        await service.Worker.StopAsync(TestContext.Current.CancellationToken);

        Assert.True(service.Worker.ExecuteTask!.IsCanceled);
    }

    [Fact]
    public async Task Services_SeveralOnOneRegion_MissTheTargetByWhatIsUnderWayAtMost()
    {
        var services = new[] { await _region.StartAsync(), await _region.StartAsync(), await _region.StartAsync() };

        await Eventually.HoldsAsync(() => _region.Pool.Level >= 1_000 && services.All(service => service.Phase == KeyGenerationPhase.Idle));

        Assert.InRange(_region.Pool.Level, 1_000, 1_000 + (services.Length * 2 * 90));
        _region.AssertSound();
    }

    private async Task<GenerationRegion.Service> StartFilledAsync()
    {
        var service = await _region.StartAsync();
        await Eventually.HoldsAsync(() => service.Phase == KeyGenerationPhase.Idle && _region.Pool.Level == 1_000);
        return service;
    }
}
