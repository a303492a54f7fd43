using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Tests.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.KeyPools;

/// <summary>How full a pool is, with the real key generation service in its pods.</summary>
public sealed class PoolLevelTests(ApiServerFixture apiServer, StoresFixture stores) : PoolTest(apiServer, stores)
{
    [Fact]
    public async Task Pool_AtEveryLevel_IsFilledAndSaysSo()
    {
        await StartAsync();
        await Pool_Drained_IsRefilledAndSaysSo();
        await Target_Scaled_IsFilledAndEpochIsOpened();
    }

    private async Task Pool_Drained_IsRefilledAndSaysSo()
    {
        await Pool.SlowDownAsync(seconds: 2);

        // The service counts right after a batch: what is left here and the 500 of a batch are below the watermark too.
        await DrainUntilAsync(1_200, ConditionTypes.LowWatermark);
        await DrainUntilAsync(400, ConditionTypes.Critical);
        await Pool.UntilAsync(pool => pool.Status?.Kgs?.DesiredReplicas == 2, "a worker is added", meanwhile: () => Pool.DrainAsync(400));
        await Pool.MendAsync();
        await Pool.BreakAsync();
        await DrainUntilAsync(0, ConditionTypes.Exhausted);

        await Pool.MendAsync();
        await Pool.UntilAsync("False", ConditionTypes.LowWatermark, ConditionTypes.Critical, ConditionTypes.Exhausted);
        var filled = await Pool.UntilAsync(
            pool => PoolLab.Has(pool, ConditionTypes.Ready, "True") && pool.Status?.Available >= 2_800,
            "the pool is full again"
        );
        // The app may have taken some meanwhile.
        Assert.True(await Pool.CountAsync() >= 2_000);
        Assert.Equal(1, filled.Status?.Epoch);
        await Eventually.HoldsAsync(
            async () =>
                await Pool.EventsAsync() is var events
                && new[]
                {
                    Reasons.BelowLowWatermark,
                    Reasons.BelowCriticalWatermark,
                    Reasons.PoolEmpty,
                    "LowWatermarkOver",
                    "CriticalOver",
                    "ExhaustedOver",
                }.All(events.Contains),
            "each flip is told"
        );
    }

    private async Task Target_Scaled_IsFilledAndEpochIsOpened()
    {
        await Pool.ScaleAsync(6_000);
        await Pool.UntilAsync(pool => pool.Status?.Available >= 5_700 && PoolLab.Has(pool, ConditionTypes.Ready, "True"), "the pool has more codes");

        await Pool.PatchAsync($$"""{ "metadata": { "annotations": { "{{Labels.OpenEpoch}}": "3" } } }""");
        await Pool.UntilAsync(pool => pool.Status?.Epoch == 3, "epoch 3 is in force");
        await Eventually.HoldsAsync(async () => await Pool.CountAsync(1) == 0 && await Pool.CountAsync(3) >= 5_700, () => "the codes are those of epoch 3");
        await Eventually.HoldsAsync(async () => (await Pool.EventsAsync()).Contains("EpochOpened"), "the opening is told");

        // Nobody answered the operator: as when its own command was carried out and the answer lost.
        await Pool.OpenEpochAsync(4);
        await Eventually.HoldsAsync(
            async () => (await Pool.NotesAsync()).Any(note => note.StartsWith("Opened epoch 4", StringComparison.Ordinal)),
            () => "that opening is told, too"
        );
    }

    private async Task DrainUntilAsync(long left, string condition) =>
        await Pool.UntilAsync(pool => PoolLab.Has(pool, condition, "True"), $"{condition} is true", meanwhile: () => Pool.DrainAsync(left));
}
