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

/// <summary>What is told of a pool, worked out from what was observed and planned. Pure.</summary>
internal static class KeyPoolStatusRules
{
    /// <summary>Time between two statuses that differ in numbers only.</summary>
    public static readonly TimeSpan NumbersInterval = TimeSpan.FromSeconds(30);

    /// <summary>How long the last known level is told while no worker answers.</summary>
    public static readonly TimeSpan LevelKept = TimeSpan.FromMinutes(2);

    /// <summary>Percent of all codes that there are, from which on there are few left: every third new code is one that was issued.</summary>
    public const int KeyspaceLimit = 33;

    // The level is no object whose change could be waited for.
    private static readonly TimeSpan SteadyInterval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan BusyInterval = TimeSpan.FromSeconds(5);

    /// <summary>The status, and the conditions that flipped.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="observed">What was observed.</param>
    /// <param name="plan">What was planned, and what came in the way.</param>
    /// <param name="numbersAt">When numbers were last told; null: not since the start.</param>
    /// <param name="now">The time.</param>
    public static (KeyPoolStatus Status, IReadOnlyList<(V1Condition Condition, string? Former)> Changed) Build(
        V1Alpha1KeyPool pool, ObservedKeyPool observed, KeyPoolPlan plan, DateTimeOffset? numbersAt, DateTimeOffset now)
    {
        var conditions = new ConditionList(pool.Status?.Conditions, pool.Metadata.Generation, now);
        var ready = observed.Deployment?.Status?.AvailableReplicas ?? 0;
        var (failure, busy, health) = (FailureOf(observed, plan), BusyWith(pool, observed, plan), HealthOf(pool, observed));
        var level = observed.Reading?.Level;
        var (isReady, reason, message) = (failure, busy) switch
        {
            ({ } obstacle, _) => (false, obstacle.Reason, obstacle.Message),
            (_, { } step) when ready < pool.Spec.Kgs.MinReplicas => (false, step.Reason, step.Message),
            _ when ready < pool.Spec.Kgs.MinReplicas => (false, Reasons.TooFewPods, $"{ready} workers serve; {pool.Spec.Kgs.MinReplicas} are wanted at least{PodTrouble.Explain(observed.Pods)}."),
            _ when health.Status != true => (false, health.Reason, health.Message),
            _ when level is null => (false, Reasons.NotKnown, "The level of the pool is not known yet."),
            _ when level < pool.Spec.CriticalWatermark => (false, Reasons.BelowCriticalWatermark, "The pool is being filled up from below criticalWatermark."),
            _ => (true, Reasons.AsExpected, "The workers serve, and the pool has enough codes."),
        };
        conditions.Set(ConditionTypes.Ready, isReady, reason, message);
        SetProgress(conditions, pool, failure, busy);
        conditions.Set(ConditionTypes.GeneratorHealthy, health.Status, health.Reason, health.Message);
        SetLevels(conditions, pool, observed.Reading, now);
        conditions.Set(
            ConditionTypes.Suspended,
            pool.Spec.Suspend,
            pool.Spec.Suspend ? Reasons.SuspendedBySpec : Reasons.AsExpected,
            pool.Spec.Suspend ? "spec.suspend is true: the operator changes and commands nothing. Set it to false to go on." : "Changes are carried out.");

        var status = (pool.Status ?? new KeyPoolStatus()) with
        {
            ObservedGeneration = pool.Metadata.Generation,
            Epoch = observed.Reading is { Epoch: > 0 } reading ? reading.Epoch : pool.Status?.Epoch,
            Kgs = observed.Deployment is null ? null : new KgsStatus
            {
                Replicas = observed.Deployment.Status?.Replicas ?? 0,
                ReadyReplicas = observed.Deployment.Status?.ReadyReplicas ?? 0,
                DesiredReplicas = plan.Workers,
            },
            Selector = Labels.Text(KgsResources.SelectorOf(pool)),
            Conditions = conditions.Conditions,
        };
        return (WithNumbers(pool, status, observed.Reading, numbersAt, now), conditions.Changed);
    }

    /// <summary>Whether a status tells other numbers than the one before.</summary>
    public static bool HasOtherNumbers(KeyPoolStatus? former, KeyPoolStatus status) => Text(NumbersOf(former)) != Text(NumbersOf(status));

    /// <summary>When to look again at the latest.</summary>
    public static TimeSpan IntervalOf(KeyGenerationStatus? reading, KeyPoolStatus status)
    {
        var isSteady = ConditionEvents.IsTrue(status.Conditions, ConditionTypes.Ready)
            && !ConditionEvents.IsTrue(status.Conditions, ConditionTypes.Reconciling)
            && !ConditionEvents.IsTrue(status.Conditions, ConditionTypes.LowWatermark)
            && reading is { State: KeyGenerationPhase.Idle };
        return isSteady ? SteadyInterval : BusyInterval;
    }

    private static void SetProgress(ConditionList conditions, V1Alpha1KeyPool pool, Obstacle? failure, Obstacle? busy)
    {
        if (failure is null && !pool.Spec.Suspend && busy is { } work)
            conditions.Set(ConditionTypes.Reconciling, true, work.Reason, work.Message);
        else
            conditions.Set(ConditionTypes.Reconciling, false, failure?.Reason ?? Reasons.AsExpected, "Nothing is under way.");
        conditions.Set(ConditionTypes.Stalled, failure is not null, failure?.Reason ?? Reasons.AsExpected, failure?.Message ?? "Nothing stands in the way.");
    }

    // No levels in messages: they would be news all the time.
    private static void SetLevels(ConditionList conditions, V1Alpha1KeyPool pool, KeyGenerationStatus? reading, DateTimeOffset now)
    {
        var spec = pool.Spec;
        var level = reading?.Level;
        Set(ConditionTypes.LowWatermark, level < spec.LowWatermark, Reasons.BelowLowWatermark, $"The pool has fewer codes than lowWatermark ({spec.LowWatermark}).", $"The pool has lowWatermark ({spec.LowWatermark}) codes or more.");
        Set(ConditionTypes.Critical, level < spec.CriticalWatermark, Reasons.BelowCriticalWatermark, $"The pool has fewer codes than criticalWatermark ({spec.CriticalWatermark}).", $"The pool has criticalWatermark ({spec.CriticalWatermark}) codes or more.");
        Set(ConditionTypes.Exhausted, level == 0, Reasons.PoolEmpty, "The pool is empty: codes are made on demand, which makes creating links slower.", "The pool has codes.");

        var used = reading?.KeyspaceUsedShare is { } share ? PercentOf(share) : pool.Status?.KeyspaceUsedPercent;
        var isLow = used >= KeyspaceLimit;
        conditions.Set(
            ConditionTypes.KeyspaceLow,
            used is null ? null : isLow,
            used is null ? Reasons.NotKnown : isLow ? Reasons.KeyspaceUsed : Reasons.EnoughCodes,
            used is null ? "It is not known how many codes were issued." : isLow ? $"{KeyspaceLimit} % of all codes that there are have been issued, or more. Longer codes are needed soon." : $"Less than {KeyspaceLimit} % of all codes that there are have been issued.");

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

    // A worker that restarts must not make people think of the pool.
    private static V1Condition? Keep(IReadOnlyList<V1Condition>? former, string type, DateTimeOffset now)
    {
        var generator = former?.FirstOrDefault(condition => condition.Type == ConditionTypes.GeneratorHealthy);
        var isRecent = generator is { Status: "True" } || (generator?.LastTransitionTime is { } since && now.UtcDateTime - since.ToUniversalTime() < LevelKept);
        return isRecent ? former?.FirstOrDefault(condition => condition.Type == type && condition.Status != "Unknown") : null;
    }

    private static (bool? Status, string Reason, string Message) HealthOf(V1Alpha1KeyPool pool, ObservedKeyPool observed)
    {
        if (observed.Answer is { Failure: { } failure })
            return (false, Reasons.Unreachable, failure);
        if (observed.Reading is { } reading)
        {
            return reading.State == KeyGenerationPhase.Failing
                ? (false, Reasons.GeneratorFailing, $"The service cannot fill the pool: {reading.LastError ?? "it does not say why."}")
                : (true, Reasons.AsExpected, "The service does its work.");
        }

        // Before the first worker ever answered there is nothing to worry about.
        var wasKnown = pool.Status?.Conditions?.Any(condition => condition.Type == ConditionTypes.GeneratorHealthy && condition.Status != "Unknown") == true;
        return wasKnown ? (false, Reasons.TooFewPods, $"No worker is there to answer{PodTrouble.Explain(observed.Pods)}.") : (null, Reasons.NotKnown, "No worker has answered yet.");
    }

    private static Obstacle? FailureOf(ObservedKeyPool observed, KeyPoolPlan plan)
    {
        if (plan.Obstacle is not null)
            return plan.Obstacle;
        return observed.Deployment?.Status?.Conditions?.Any(condition => condition is { Type: "Progressing", Status: "False" }) == true
            ? new Obstacle(Reasons.RolloutStuck, $"The rollout of the workers makes no progress{PodTrouble.Explain(observed.Pods)}. Those of the former version go on. Correct spec.kgs or the region's spec.app.")
            : null;
    }

    // What is under way; null: nothing.
    private static Obstacle? BusyWith(V1Alpha1KeyPool pool, ObservedKeyPool observed, KeyPoolPlan plan)
    {
        if (plan.Waiting is not null)
            return plan.Waiting;
        if (observed.Deployment is not { } deployment)
            return new Obstacle(Reasons.RollingOut, "The workers are being created.");
        var (wanted, status) = (plan.Workers, deployment.Status);
        var isRolledOut = deployment.Spec.Replicas == wanted && status?.ObservedGeneration >= deployment.Metadata.Generation
            && (status.UpdatedReplicas ?? 0) == wanted && (status.Replicas ?? 0) == wanted && (status.AvailableReplicas ?? 0) == wanted;
        var isCurrent = plan.Process is not { } process
            || (Labels.AnnotationOf(deployment.Spec.Template.Metadata, Labels.SettingsDigest) == process.SettingsDigest && deployment.Spec.Template.Spec.Containers[0].Image == process.Image);
        return isRolledOut && isCurrent && (observed.Reading is null || observed.Reading.TargetLevel == pool.Spec.TargetAvailable)
            ? null
            : new Obstacle(Reasons.RollingOut, $"{status?.UpdatedReplicas ?? 0} of {wanted} workers run the newest specification, {status?.AvailableReplicas ?? 0} serve{PodTrouble.Explain(observed.Pods)}.");
    }

    private static KeyPoolStatus WithNumbers(V1Alpha1KeyPool pool, KeyPoolStatus status, KeyGenerationStatus? reading, DateTimeOffset? numbersAt, DateTimeOffset now)
    {
        var former = pool.Status;
        var refill = RefillOf(pool.Spec, former?.Refill, reading);
        var counted = reading?.Level is not { } level ? status with { Refill = refill } : status with
        {
            Available = Rounding.TwoDigits(level),
            FillPercent = (int)Math.Min(level * 100 / pool.Spec.TargetAvailable, 1_000),
            ConsumptionPerMinute = Rounding.TwoDigits((long)Math.Clamp(reading.ConsumedPerSecond * 60, 0, long.MaxValue / 2)),
            EstimatedExhaustion = Rounding.Exhaustion(reading.SecondsToExhaustion, former?.EstimatedExhaustion, now),
            KeyspaceUsedPercent = reading.KeyspaceUsedShare is { } share ? PercentOf(share) : former?.KeyspaceUsedPercent,
            Refill = refill,
        };
        var isNews = former is null || numbersAt is null || now - numbersAt >= NumbersInterval || refill.FilledTo != former.Refill?.FilledTo
            || Text(former with { Conditions = null }) != Text(WithNumbersOf(status, former) with { Conditions = null }) || !AreEqual(former.Conditions, status.Conditions);
        return isNews ? counted : WithNumbersOf(status, former!);
    }

    private static KeyPoolStatus WithNumbersOf(KeyPoolStatus status, KeyPoolStatus? numbers) => status with
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
            State = reading.State switch { KeyGenerationPhase.Running => "Running", KeyGenerationPhase.Throttled => "Throttled", KeyGenerationPhase.Failing => "Failing", _ => "Idle" },
            LastBatchTime = WholeSecond(reading.LastBatchAt) ?? former?.LastBatchTime,
            LastBatchSize = reading.LastBatchSize ?? former?.LastBatchSize,
            LastError = reading.State == KeyGenerationPhase.Failing ? Cut(reading.LastError) : null,
            FilledTo = isFull ? spec.TargetAvailable : former?.FilledTo,
        };
    }

    private static bool AreEqual(IReadOnlyList<V1Condition>? one, IReadOnlyList<V1Condition>? other) =>
        KubernetesJson.Serialize(one ?? []) == KubernetesJson.Serialize(other ?? []);

    private static string Text(KeyPoolStatus status) => KubernetesJson.Serialize(status);

    private static int PercentOf(double share) => (int)Math.Clamp(share * 100, 0, 100);

    private static DateTime? WholeSecond(DateTimeOffset? at) => at is { } time ? DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds()).UtcDateTime : null;

    private static string? Cut(string? text) => text is { Length: > 1_000 } ? text[..1_000] : text;
}
