using FsCheck.Xunit;
using UrlShortener.Contracts;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.KeyPools;
using Xunit;

namespace UrlShortener.Operator.Tests.KeyPools;

public sealed class RefillPlannerTests
{
    private static readonly KeyPoolSpec Spec = new()
    {
        TargetAvailable = 10_000,
        LowWatermark = 4_000,
        CriticalWatermark = 1_000,
    };

    [Property]
    public bool MustRefill_BelowTheLowWatermark_AlwaysWhenIdle(ushort level, bool wasFilled) =>
        RefillPlanner.MustRefill(Spec, wasFilled ? Spec.TargetAvailable : null, Reading(level % Spec.LowWatermark));

    [Property]
    public bool MustRefill_Full_Never(ushort more, int? filledTo) => !RefillPlanner.MustRefill(Spec, filledTo, Reading(9_500 + more));

    [Property]
    public bool MustRefill_BusyFailingOrPaused_Never(ushort level, byte state) =>
        !RefillPlanner.MustRefill(
            Spec,
            null,
            Reading(level) with
            {
                State = (state % 4) switch
                {
                    0 => KeyGenerationPhase.Running,
                    1 => KeyGenerationPhase.Throttled,
                    2 => KeyGenerationPhase.Paused,
                    _ => KeyGenerationPhase.Failing,
                },
            }
        );

    /// <summary>Commands come to an end: a pool that was filled and is not below its watermark is left alone.</summary>
    [Property]
    public bool MustRefill_FilledAndAboveTheWatermark_Never(ushort level) =>
        !RefillPlanner.MustRefill(Spec, Spec.TargetAvailable, Reading(Spec.LowWatermark + level));

    [Fact]
    public void MustRefill_TargetRaised_OnceWorkersKnowIt()
    {
        var raised = Spec with { TargetAvailable = 20_000 };

        Assert.False(RefillPlanner.MustRefill(raised, 10_000, Reading(10_000)));
        Assert.True(RefillPlanner.MustRefill(raised, 10_000, Reading(10_000) with { TargetLevel = 20_000 }));
    }

    [Fact]
    public void MustRefill_EmptyWithinTheLeadTime_WhateverTheLevel()
    {
        Assert.True(RefillPlanner.MustRefill(Spec, Spec.TargetAvailable, Reading(8_000) with { SecondsToExhaustion = 599 }));
        Assert.False(RefillPlanner.MustRefill(Spec, Spec.TargetAvailable, Reading(8_000) with { SecondsToExhaustion = 601 }));
    }

    [Fact]
    public void MustRefill_NothingKnown_No()
    {
        Assert.False(RefillPlanner.MustRefill(Spec, null, null));
        Assert.False(RefillPlanner.MustRefill(Spec, null, Reading(0) with { Level = null }));
    }

    private static KeyGenerationStatus Reading(long level) =>
        new()
        {
            Level = level,
            State = KeyGenerationPhase.Idle,
            TargetLevel = 10_000,
        };
}
