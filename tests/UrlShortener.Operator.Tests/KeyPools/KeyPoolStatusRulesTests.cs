using FsCheck.Xunit;
using k8s;
using k8s.Models;
using UrlShortener.Contracts;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.KeyPools;
using Xunit;

namespace UrlShortener.Operator.Tests.KeyPools;

public sealed class KeyPoolStatusRulesTests
{
    private readonly V1Alpha1KeyPool _pool = PoolSamples.Pool();

    [Fact]
    public void Build_FullPool_IsReady()
    {
        var status = Build(Rolled(9_900));

        Assert.Equal("True", Of(status, ConditionTypes.Ready).Status);
        Assert.Equal("False", Of(status, ConditionTypes.Reconciling).Status);
        Assert.Equal("True", Of(status, ConditionTypes.GeneratorHealthy).Status);
        Assert.Equal((9_900, 99, 3L, 10_000), (status.Available, status.FillPercent, status.Epoch, status.Refill?.FilledTo));
    }

    [Property]
    public bool Build_AnyLevel_TellsExactlyWhatItIsBelow(ushort level)
    {
        var status = Build(Rolled(level % 12_000));
        var actual = level % 12_000;
        return IsTrue(status, ConditionTypes.LowWatermark) == (actual < 4_000)
            && IsTrue(status, ConditionTypes.Critical) == (actual < 1_000)
            && IsTrue(status, ConditionTypes.Exhausted) == (actual == 0)
            && IsTrue(status, ConditionTypes.Ready) == (actual >= 1_000);
    }

    /// <summary>However the level moves, a status without news in its conditions is written every 30 seconds at most.</summary>
    [Property]
    public bool Build_NumbersOnly_WaitForTheirTime(ushort[] levels)
    {
        _pool.Status = Build(Rolled(5_000));
        var former = KubernetesJson.Serialize(_pool.Status);
        return levels.All(level => KubernetesJson.Serialize(Build(Rolled(4_000 + (level % 5_000)), PoolSamples.Now.AddSeconds(29))) == former);
    }

    [Fact]
    public void Build_NumbersAfterTheirTime_AreTold()
    {
        _pool.Status = Build(Rolled(5_000));

        var later = Build(Rolled(7_777), PoolSamples.Now.AddSeconds(31));

        Assert.Equal(7_700, later.Available);
        Assert.True(KeyPoolStatusRules.HasOtherNumbers(_pool.Status, later));
    }

    [Fact]
    public void Build_ConditionFlips_TellsNumbersAtOnce()
    {
        _pool.Status = Build(Rolled(5_000));

        Assert.Equal(200, Build(Rolled(200), PoolSamples.Now.AddSeconds(1)).Available);
    }

    [Fact]
    public void Build_GeneratorFailsAndRecovers_ClearsTheError()
    {
        var failing = PoolSamples.Reading(5_000) with { State = KeyGenerationPhase.Failing, LastError = "PostgreSQL is away." };
        _pool.Status = Build(Rolled(5_000) with { Answer = new KgsAnswer(failing, null) });
        Assert.Equal(
            (Reasons.GeneratorFailing, "PostgreSQL is away."),
            (Of(_pool.Status, ConditionTypes.GeneratorHealthy).Reason, _pool.Status.Refill?.LastError)
        );

        var recovered = Build(Rolled(5_000) with { Answer = new KgsAnswer(failing with { State = KeyGenerationPhase.Idle }, null) });

        Assert.Equal("True", Of(recovered, ConditionTypes.GeneratorHealthy).Status);
        Assert.Null(recovered.Refill?.LastError);
        Assert.Equal("True", Of(recovered, ConditionTypes.Ready).Status);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(0L)]
    public void Build_RegionTakesNoChanges_NeedsNoKeys(long? level)
    {
        var paused = PoolSamples.Reading(0) with { State = KeyGenerationPhase.Paused, Level = level };

        var status = Build(Rolled(0) with { Answer = new KgsAnswer(paused, null) });

        Assert.Equal("True", Of(status, ConditionTypes.Ready).Status);
        Assert.Equal("Paused", status.Refill?.State);
        foreach (var type in new[] { ConditionTypes.LowWatermark, ConditionTypes.Critical, ConditionTypes.Exhausted })
            Assert.Equal("Unknown", Of(status, type).Status);
    }

    [Fact]
    public void Build_NobodyAnswers_KeepsTheLevelForAWhile()
    {
        _pool.Status = Build(Rolled(200));
        var silent = Rolled(0) with { Answer = new KgsAnswer(null, "Pod a does not answer.") };

        _pool.Status = Build(silent, PoolSamples.Now.AddSeconds(1));
        Assert.Equal("True", Of(_pool.Status, ConditionTypes.Critical).Status);
        Assert.Equal((Reasons.Unreachable, "False"), (Of(_pool.Status, ConditionTypes.GeneratorHealthy).Reason, Of(_pool.Status, ConditionTypes.Ready).Status));
        Assert.Equal(200, _pool.Status.Available);

        var later = Build(silent, PoolSamples.Now + KeyPoolStatusRules.LevelKept + TimeSpan.FromSeconds(2));
        Assert.Equal("Unknown", Of(later, ConditionTypes.Critical).Status);
    }

    [Fact]
    public void Build_NothingYet_IsUnknownAndInProgress()
    {
        var status = Build(PoolSamples.Observed(_pool) with { Deployment = null, Answer = null });

        Assert.Equal(("False", Reasons.RollingOut), (Of(status, ConditionTypes.Ready).Status, Of(status, ConditionTypes.Ready).Reason));
        Assert.Equal("True", Of(status, ConditionTypes.Reconciling).Status);
        Assert.Equal("Unknown", Of(status, ConditionTypes.GeneratorHealthy).Status);
    }

    [Fact]
    public void Build_KeyspaceUsedUp_TellsSo() =>
        Assert.True(
            IsTrue(
                Build(Rolled(5_000) with { Answer = new KgsAnswer(PoolSamples.Reading(5_000) with { KeyspaceUsedShare = 0.34 }, null) }),
                ConditionTypes.KeyspaceLow
            )
        );

    [Fact]
    public void Build_Suspended_TellsSo()
    {
        _pool.Spec = _pool.Spec with { Suspend = true };

        var status = Build(Rolled(5_000));

        Assert.True(IsTrue(status, ConditionTypes.Suspended));
        Assert.True(IsTrue(status, ConditionTypes.Ready));
    }

    // As observed after the rollout of what is planned.
    private ObservedKeyPool Rolled(long level)
    {
        var observed = PoolSamples.Observed(_pool) with { Answer = new KgsAnswer(PoolSamples.Reading(level), null) };
        var plan = KeyPoolPlan.Of(_pool, observed, new WorkerHistory(), PoolSamples.Now);
        var applied = KgsResources.BuildDeployment(_pool, observed.Region!, plan.Process!, observed.Deployment!.Spec.Replicas!.Value);
        observed.Deployment.Metadata.Annotations = new Dictionary<string, string> { [Labels.AppliedDigest] = Digest.OfObject(applied) };
        return observed;
    }

    private KeyPoolStatus Build(ObservedKeyPool observed, DateTimeOffset? now = null)
    {
        // The number of workers is not what is tested here.
        var plan = KeyPoolPlan.Of(_pool, observed, new WorkerHistory(), PoolSamples.Now) with
        {
            Workers = 2,
        };
        var memory = KeyPoolMemory.None with { NumbersAt = PoolSamples.Now };
        var time = now ?? PoolSamples.Now;
        return KeyPoolStatusRules.Build(_pool, observed, plan, memory.AreNumbersDue(new KeyPoolTimings(), time), time).Status;
    }

    private static V1Condition Of(KeyPoolStatus status, string type) => status.Conditions!.Single(condition => condition.Type == type);

    private static bool IsTrue(KeyPoolStatus status, string type) => ConditionEvents.IsTrue(status.Conditions, type);
}
