using k8s;
using k8s.Models;
using UrlShortener.Contracts;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.KeyPools;

/// <summary>Computes the status of a pool from the observed state and the plan. Pure.</summary>
internal static class KeyPoolStatusRules
{
    /// <summary>How long the conditions keep the last known level while no worker answers.</summary>
    public static readonly TimeSpan LevelKept = TimeSpan.FromMinutes(2);

    /// <summary>Percentage of all possible codes above which the keyspace counts as low: every third generated code is taken.</summary>
    public const int KeyspaceLimit = 33;

    /// <summary>The status, and the changed conditions.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="areNumbersDue">Whether numbers alone are news.</param>
    /// <param name="now">The time.</param>
    public static (KeyPoolStatus Status, IReadOnlyList<(V1Condition Condition, string? Former)> Changed) Build(
        V1Alpha1KeyPool pool,
        ObservedKeyPool observed,
        KeyPoolPlan plan,
        bool areNumbersDue,
        DateTimeOffset now
    )
    {
        var conditions = new ConditionList(pool.Status?.Conditions, pool.Metadata.Generation, now);
        var ready = observed.Deployment?.Status?.AvailableReplicas ?? 0;
        var rollout = RolloutOf(pool, observed, plan);
        var isSettled = Rollouts.IsSettled(rollout, pool.Status?.Conditions, pool.Metadata.Generation, pool.Spec.Suspend);
        var failure = FailureOf(observed, plan, rollout, rollout == Rollout.Done && ready >= pool.Spec.Kgs.MinReplicas, now);
        var (busy, health) = (BusyWith(pool, observed, plan, rollout, now), HealthOf(pool, observed, now));
        var level = observed.Reading?.Level;
        // A region that takes no changes needs no keys.
        var isPaused = observed.Reading is { State: KeyGenerationPhase.Paused };
        var (isReady, reason, message) = (failure, busy) switch
        {
            ({ } obstacle, _) => ((bool?)false, obstacle.Reason, obstacle.Message),
            (_, { } step) when ready < pool.Spec.Kgs.MinReplicas => (false, step.Reason, step.Message),
            _ when ready < pool.Spec.Kgs.MinReplicas => (
                false,
                Reasons.TooFewPods,
                $"{ready} workers serve; the minimum is " + $"{pool.Spec.Kgs.MinReplicas}{PodTrouble.Explain(observed.Pods, now)}."
            ),
            _ when health.Status != true => (false, health.Reason, health.Message),
            _ when !isPaused && level is null => (false, Reasons.NotKnown, "The level of the pool is not known yet."),
            _ when !isPaused && level < pool.Spec.CriticalWatermark => (
                false,
                Reasons.BelowCriticalWatermark,
                "The pool has fewer keys than criticalWatermark; workers " + "are refilling it."
            ),
            // The workers that serve may be those of the previous specification.
            _ when !isSettled && pool.Spec.Suspend => (null, Reasons.SuspendedBySpec, "The pool is suspended before its specification was applied."),
            _ when !isSettled => (null, busy?.Reason ?? Reasons.RollingOut, busy?.Message ?? "The cluster has not confirmed the current specification yet."),
            _ when isPaused => (true, Reasons.AsExpected, "The workers serve. They generate no keys, because the region takes no changes."),
            _ => (true, Reasons.AsExpected, "The workers serve, and the pool has enough keys."),
        };
        conditions.Set(ConditionTypes.Ready, isReady, reason, message);
        SetProgress(conditions, pool, failure, busy);
        conditions.Set(ConditionTypes.GeneratorHealthy, health.Status, health.Reason, health.Message);
        SetLevels(conditions, pool, observed.Reading, now);
        conditions.Set(
            ConditionTypes.Suspended,
            pool.Spec.Suspend,
            pool.Spec.Suspend ? Reasons.SuspendedBySpec : Reasons.AsExpected,
            pool.Spec.Suspend
                ? "spec.suspend is true: the operator changes nothing and sends no commands. Set it to false to resume."
                : "The operator applies changes."
        );

        var status = (pool.Status ?? new KeyPoolStatus()) with
        {
            ObservedGeneration = pool.Metadata.Generation,
            Epoch = observed.Reading is { Epoch: > 0 } reading ? reading.Epoch : pool.Status?.Epoch,
            Kgs = observed.Deployment is null
                ? null
                : new KgsStatus
                {
                    Replicas = observed.Deployment.Status?.Replicas ?? 0,
                    ReadyReplicas = observed.Deployment.Status?.ReadyReplicas ?? 0,
                    DesiredReplicas = plan.Workers,
                },
            Selector = Labels.Text(KgsResources.SelectorOf(pool)),
            Conditions = conditions.Conditions,
        };
        return (WithNumbers(pool, status, observed.Reading, areNumbersDue, now), conditions.Changed);
    }

    /// <summary>Whether the numbers of two statuses differ.</summary>
    public static bool HasOtherNumbers(KeyPoolStatus? former, KeyPoolStatus status) => Text(NumbersOf(former)) != Text(NumbersOf(status));

    /// <summary>Longest time until the next reconcile.</summary>
    /// <param name="reading">What the workers say; null: none answered.</param>
    /// <param name="status">The status.</param>
    /// <param name="timings">The times to choose from.</param>
    public static TimeSpan IntervalOf(KeyGenerationStatus? reading, KeyPoolStatus status, KeyPoolTimings timings)
    {
        var isSteady =
            ConditionEvents.IsTrue(status.Conditions, ConditionTypes.Ready)
            && !ConditionEvents.IsTrue(status.Conditions, ConditionTypes.Reconciling)
            && !ConditionEvents.IsTrue(status.Conditions, ConditionTypes.LowWatermark)
            && reading is { State: KeyGenerationPhase.Idle or KeyGenerationPhase.Paused };
        return isSteady ? timings.Steady : timings.Busy;
    }

    private static void SetProgress(ConditionList conditions, V1Alpha1KeyPool pool, Obstacle? failure, Obstacle? busy)
    {
        if (failure is null && !pool.Spec.Suspend && busy is { } work)
            conditions.Set(ConditionTypes.Reconciling, true, work.Reason, work.Message);
        else
            conditions.Set(ConditionTypes.Reconciling, false, failure?.Reason ?? Reasons.AsExpected, "No change is in progress.");
        conditions.Set(ConditionTypes.Stalled, failure is not null, failure?.Reason ?? Reasons.AsExpected, failure?.Message ?? "The object is not stalled.");
    }

    // Messages contain no levels, because they would change all the time.
    private static void SetLevels(ConditionList conditions, V1Alpha1KeyPool pool, KeyGenerationStatus? reading, DateTimeOffset now)
    {
        var spec = pool.Spec;
        // What was counted before a pause says nothing about what is needed now.
        var level = reading is { State: KeyGenerationPhase.Paused } ? null : reading?.Level;
        Set(
            ConditionTypes.LowWatermark,
            level < spec.LowWatermark,
            Reasons.BelowLowWatermark,
            $"The pool has fewer keys than lowWatermark ({spec.LowWatermark}).",
            $"The pool has at least lowWatermark ({spec.LowWatermark}) keys."
        );
        Set(
            ConditionTypes.Critical,
            level < spec.CriticalWatermark,
            Reasons.BelowCriticalWatermark,
            $"The pool has fewer keys than criticalWatermark ({spec.CriticalWatermark}).",
            $"The pool has at least criticalWatermark ({spec.CriticalWatermark}) keys."
        );
        Set(
            ConditionTypes.Exhausted,
            level == 0,
            Reasons.PoolEmpty,
            "The pool is empty. The app generates codes on demand, which slows down the creation of links.",
            "The pool is not empty."
        );

        var used = reading?.KeyspaceUsedShare is { } share ? PercentOf(share) : pool.Status?.KeyspaceUsedPercent;
        var isLow = used >= KeyspaceLimit;
        conditions.Set(
            ConditionTypes.KeyspaceLow,
            used is null ? null : isLow,
            used is null ? Reasons.NotKnown
                : isLow ? Reasons.KeyspaceUsed
                : Reasons.EnoughCodes,
            used is null ? "The number of claimed codes is not known."
                : isLow ? $"At least {KeyspaceLimit} % of all possible codes have been claimed. Plan for longer codes."
                : $"Less than {KeyspaceLimit} % of all possible codes have been claimed."
        );

        void Set(string type, bool isBelow, string whyBelow, string below, string above)
        {
            if (level is null && Keep(pool.Status?.Conditions, type, now) is { } former)
                conditions.Set(type, former.Status == "True", former.Reason, former.Message);
            else if (level is null)
                conditions.Set(type, null, Reasons.NotKnown, "The level of the pool is not known.");
            else
                conditions.Set(type, isBelow, isBelow ? whyBelow : Reasons.EnoughCodes, isBelow ? below : above);
        }
    }

    // A restart of a worker must not look like a problem of the pool.
    private static V1Condition? Keep(IReadOnlyList<V1Condition>? former, string type, DateTimeOffset now)
    {
        var generator = former?.FirstOrDefault(condition => condition.Type == ConditionTypes.GeneratorHealthy);
        var isRecent =
            generator is { Status: "True" }
            || (generator?.LastTransitionTime is { } since && (now.UtcDateTime - since.ToUniversalTime()).Duration() < LevelKept);
        return isRecent ? former?.FirstOrDefault(condition => condition.Type == type && condition.Status != "Unknown") : null;
    }

    private static (bool? Status, string Reason, string Message) HealthOf(V1Alpha1KeyPool pool, ObservedKeyPool observed, DateTimeOffset now)
    {
        if (observed.Answer is { Failure: { } failure })
            return (false, Reasons.Unreachable, failure);
        if (observed.Reading is { } reading)
        {
            return reading.State == KeyGenerationPhase.Failing
                ? (false, Reasons.GeneratorFailing, $"The service cannot fill the pool: {ErrorOf(reading) ?? "it reports no reason."}")
                : (true, Reasons.AsExpected, "The service works.");
        }

        // Before the first answer of a worker there is no problem to report.
        var wasKnown = pool.Status?.Conditions?.Any(condition => condition.Type == ConditionTypes.GeneratorHealthy && condition.Status != "Unknown") == true;
        return wasKnown
            ? (false, Reasons.TooFewPods, $"No worker is ready{PodTrouble.Explain(observed.Pods, now)}.")
            : (null, Reasons.NotKnown, "No worker has answered yet.");
    }

    private static Rollout RolloutOf(V1Alpha1KeyPool pool, ObservedKeyPool observed, KeyPoolPlan plan) =>
        plan.Process is { } process && observed.Region is { } region
            ? Rollouts.Of(observed.Deployment, KgsResources.BuildDeployment(pool, region, process, observed.Deployment?.Spec.Replicas ?? plan.Workers))
            : Rollout.Pending;

    private static Obstacle? FailureOf(ObservedKeyPool observed, KeyPoolPlan plan, Rollout rollout, bool isDone, DateTimeOffset now)
    {
        if (plan.Obstacle is not null || isDone)
            return plan.Obstacle;
        if (rollout != Rollout.Done && Rollouts.FindPause(observed.Deployment) is { } pause)
            return pause;
        if (Rollouts.FindTrouble(observed.Deployment, observed.Pods, now) is var (reason, text))
            return new Obstacle(reason, $"Workers do not run: {text}. Workers that ran before keep running. The condition clears when the cause is gone.");
        return Rollouts.IsStuck(observed.Deployment)
            ? new Obstacle(
                Reasons.RolloutStuck,
                $"The rollout of the workers makes no progress{PodTrouble.Explain(observed.Pods, now)}. Workers of the "
                    + "previous version keep running. Fix spec.kgs, or spec.app of the region."
            )
            : null;
    }

    // The change in progress; null: none.
    private static Obstacle? BusyWith(V1Alpha1KeyPool pool, ObservedKeyPool observed, KeyPoolPlan plan, Rollout rollout, DateTimeOffset now)
    {
        if (plan.Waiting is not null)
            return plan.Waiting;
        if (observed.Deployment is not { } deployment)
            return new Obstacle(Reasons.RollingOut, "The operator is creating the Deployment of the workers.");
        var (wanted, status) = (plan.Workers, deployment.Status);
        var isRolledOut =
            (rollout == Rollout.Done || plan.Process is null)
            && deployment.Spec.Replicas == wanted
            && (status?.Replicas ?? 0) == wanted
            && (status?.AvailableReplicas ?? 0) == wanted;
        return isRolledOut && (observed.Reading is null || observed.Reading.TargetLevel == pool.Spec.TargetAvailable)
            ? null
            : new Obstacle(
                Reasons.RollingOut,
                $"{status?.UpdatedReplicas ?? 0} of {wanted} workers run the current specification, "
                    + $"{status?.AvailableReplicas ?? 0} serve{PodTrouble.Explain(observed.Pods, now)}."
            );
    }

    private static KeyPoolStatus WithNumbers(V1Alpha1KeyPool pool, KeyPoolStatus status, KeyGenerationStatus? reading, bool areNumbersDue, DateTimeOffset now)
    {
        var former = pool.Status;
        var refill = RefillOf(pool.Spec, former?.Refill, reading);
        var counted = reading?.Level is not { } level
            ? status with
            {
                Refill = refill,
            }
            : status with
            {
                Available = Rounding.TwoDigits(level),
                FillPercent = (int)Math.Min(level * 100 / pool.Spec.TargetAvailable, 1_000),
                ConsumptionPerMinute = Rounding.TwoDigits((long)Math.Clamp(reading.ConsumedPerSecond * 60, 0, long.MaxValue / 2)),
                EstimatedExhaustion = Rounding.Exhaustion(reading.SecondsToExhaustion, former?.EstimatedExhaustion, now),
                KeyspaceUsedPercent = reading.KeyspaceUsedShare is { } share ? PercentOf(share) : former?.KeyspaceUsedPercent,
                Refill = refill,
            };
        var isNews =
            former is null
            || areNumbersDue
            || refill.FilledTo != former.Refill?.FilledTo
            || Text(former with { Conditions = null }) != Text(WithNumbersOf(status, former) with { Conditions = null })
            || !AreEqual(former.Conditions, status.Conditions);
        return isNews ? counted : WithNumbersOf(status, former!);
    }

    private static KeyPoolStatus WithNumbersOf(KeyPoolStatus status, KeyPoolStatus? numbers) =>
        status with
        {
            Available = numbers?.Available,
            FillPercent = numbers?.FillPercent,
            ConsumptionPerMinute = numbers?.ConsumptionPerMinute,
            EstimatedExhaustion = numbers?.EstimatedExhaustion,
            KeyspaceUsedPercent = numbers?.KeyspaceUsedPercent,
            Refill = numbers?.Refill,
        };

    private static KeyPoolStatus NumbersOf(KeyPoolStatus? status) => WithNumbersOf(new KeyPoolStatus(), status);

    private static RefillStatus RefillOf(KeyPoolSpec spec, RefillStatus? former, KeyGenerationStatus? reading)
    {
        if (reading is null)
            return (former ?? new RefillStatus()) with { State = null, LastError = null };
        var isFull = reading.Level is { } level && RefillPlanner.IsFull(level, spec.TargetAvailable);
        return new RefillStatus
        {
            State = reading.State switch
            {
                KeyGenerationPhase.Running => "Running",
                KeyGenerationPhase.Throttled => "Throttled",
                KeyGenerationPhase.Failing => "Failing",
                KeyGenerationPhase.Paused => "Paused",
                _ => "Idle",
            },
            LastBatchTime = WholeSecond(reading.LastBatchAt) ?? former?.LastBatchTime,
            LastBatchSize = reading.LastBatchSize ?? former?.LastBatchSize,
            LastError = reading.State == KeyGenerationPhase.Failing ? ErrorOf(reading) : null,
            FilledTo = isFull ? spec.TargetAvailable : former?.FilledTo,
        };
    }

    private static bool AreEqual(IReadOnlyList<V1Condition>? one, IReadOnlyList<V1Condition>? other) =>
        KubernetesJson.Serialize(one ?? []) == KubernetesJson.Serialize(other ?? []);

    private static string Text(KeyPoolStatus status) => KubernetesJson.Serialize(status);

    private static int PercentOf(double share) => (int)Math.Clamp(share * 100, 0, 100);

    private static DateTime? WholeSecond(DateTimeOffset? at) => at is { Year: > 2000 } time ? StatusTime.Of(time) : null;

    // The text of another program.
    private static string? ErrorOf(KeyGenerationStatus reading) => reading.LastError is { Length: > 0 } error ? LastWords.Clean(error) : null;
}
