using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Loading;

/// <summary>
/// Computes the part of a region's status that describes its loaders. Pure. Statistics are never needed to serve: nothing of it makes a region unready, holds
/// up a rollout of the app or moves a role.
/// </summary>
internal static class LoaderStatusRules
{
    /// <summary>The part of the status that the controller of loaders writes.</summary>
    public static readonly StatusPart Part = new("loaders", [ConditionTypes.AnalyticsHealthy], FieldManagers.Loading);

    /// <summary>The status and its condition.</summary>
    public static (LoadersStatus Status, ConditionList Conditions) Build(
        V1Alpha1ShortenerRegion region,
        ObservedLoaders observed,
        LoaderPlan plan,
        DateTimeOffset now
    )
    {
        var conditions = new ConditionList(region.Status?.Conditions, region.Metadata.Generation, now);
        var (status, reason, message) = HealthOf(region, observed, plan, now);
        conditions.Set(ConditionTypes.AnalyticsHealthy, status, reason, message);
        var deployment = observed.Deployment;
        return (
            new LoadersStatus
            {
                Replicas = deployment?.Status?.Replicas ?? 0,
                ReadyReplicas = deployment?.Status?.ReadyReplicas ?? 0,
                DesiredReplicas = plan.Applies ? plan.Loaders : deployment?.Spec.Replicas ?? 0,
            },
            conditions
        );
    }

    // Messages contain no numbers that change all the time.
    private static (bool? Status, string Reason, string Message) HealthOf(
        V1Alpha1ShortenerRegion region,
        ObservedLoaders observed,
        LoaderPlan plan,
        DateTimeOffset now
    )
    {
        var missing = Analytics
            .SecretsOf(region)
            .Select(reference => SecretDigests.FindMissing(reference, observed.Secrets))
            .FirstOrDefault(found => found is not null);
        if (missing is not null)
            return (false, missing.Reason, $"{missing.Message} There are no statistics until then, and click events wait in Kafka.");
        if (plan.Obstacle is { } obstacle)
            return (false, obstacle.Reason, obstacle.Message);
        if (observed.Reading is { } reading)
            return HealthOf(reading);
        // Those that ran before may have ended since.
        if (Rollouts.FindTrouble(observed.Deployment, observed.Pods, now) is var (why, text))
            return (false, why, $"Loaders do not run: {text}. Click events wait in Kafka. The condition clears when the cause is gone.");
        if (plan.Waiting is { } waiting && observed.Deployment is null)
            return (null, waiting.Reason, waiting.Message);
        if (observed.Deployment is not null && (observed.Deployment.Status?.AvailableReplicas ?? 0) == 0)
            return (false, Reasons.TooFewPods, $"No loader serves{PodTrouble.Explain(observed.Pods, now)}. Click events wait in Kafka.");
        return (null, Reasons.NotKnown, "No loader answers.");
    }

    private static (bool? Status, string Reason, string Message) HealthOf(LoadReading reading) =>
        reading switch
        {
            { IsReachable: false } => (
                false,
                Reasons.Unreachable,
                "ClickHouse does not answer, or lacks tables; the log of the loaders says why. There are no statistics, and click events wait in Kafka."
            ),
            { IsFailing: true } => (
                false,
                Reasons.LoadFailing,
                "Click events cannot be loaded; the log of the loaders says why. They wait in Kafka, and statistics lack them."
            ),
            { Delay: var delay } when delay > LoaderCount.LongDelay => (
                false,
                Reasons.LoadBehind,
                $"Click events wait for longer than {LoaderCount.LongDelay.TotalSeconds:0} s, and statistics lack them until they are loaded."
            ),
            _ => (true, Reasons.AsExpected, "ClickHouse answers, and click events are loaded."),
        };
}
