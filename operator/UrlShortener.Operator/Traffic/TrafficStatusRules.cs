using System.Text.Json.Nodes;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Traffic;

/// <summary>The condition about the traffic of a region. Pure.</summary>
internal static class TrafficStatusRules
{
    /// <summary>The part of the status that this controller writes.</summary>
    public static readonly StatusPart Part = new("traffic", [ConditionTypes.TrafficPublished], FieldManagers.Traffic);

    private const int MostNames = 3;

    /// <summary>The condition.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">What was observed.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="obstacle">Why an object could not be written; null: all are.</param>
    /// <param name="timing">Limits.</param>
    /// <param name="now">The time.</param>
    public static ConditionList Build(
        V1Alpha1ShortenerRegion region,
        ObservedTraffic observed,
        TrafficPlan plan,
        Obstacle? obstacle,
        TrafficTiming timing,
        DateTimeOffset now
    )
    {
        var conditions = new ConditionList(region.Status?.Conditions, region.Metadata.Generation, now);
        if (plan.Self is not { } self)
            return conditions;
        if (FindFailure(self, observed, plan, obstacle) is { } failure)
            conditions.Set(ConditionTypes.TrafficPublished, false, failure.Reason, failure.Message);
        else if (plan.IsWaiting)
            conditions.Set(
                ConditionTypes.TrafficPublished,
                null,
                Reasons.NotServing,
                "No region of the group has served yet. Nothing is published before one does."
            );
        else if (FindUnconfirmed(self, observed, plan) is { } waiting)
            conditions.Set(ConditionTypes.TrafficPublished, IsOverdue(region, timing, now) ? false : null, Reasons.NotConfirmed, waiting);
        else
            conditions.Set(ConditionTypes.TrafficPublished, true, Reasons.AsExpected, Describe(self, plan));
        return conditions;
    }

    private static Obstacle? FindFailure(TrafficMember self, ObservedTraffic observed, TrafficPlan plan, Obstacle? obstacle)
    {
        if (self.Spec.UsesDns() && !observed.ServesDns)
            return NoBackend("DNSEndpoint (externaldns.k8s.io/v1alpha1)", "Install external-dns with its CustomResourceDefinition and the source crd");
        if (self.Spec.UsesRoute() && !observed.ServesRoutes)
            return NoBackend("HTTPRoute (gateway.networking.k8s.io/v1)", "Install the Gateway API and a controller for it");
        if (plan.IsPanic)
            return new Obstacle(
                Reasons.Panic,
                "No region may get visitors: in each no pod serves, or its weight is 0. Those that had them last keep them: "
                    + $"{Text(plan.OwnSets.First(set => set.IsPanic))}."
            );
        if (obstacle is not null)
            return obstacle;
        if (plan.Conflicts is [var (hostname, holder), ..])
            return new Obstacle(
                Reasons.HostnameConflict,
                $"Group {holder.Spec.Group} publishes {hostname} (ShortenerRegion {holder.Metadata.NamespaceProperty}/{holder.Metadata.Name}). Remove the host "
                    + "name there, or here."
            );
        if (plan.LacksTargets)
            return new Obstacle(
                Reasons.NoTargets,
                "The region has no address to publish. Set spec.traffic.targets, or set spec.app.service.type to LoadBalancer and wait until the load balancer "
                    + "has an address."
            );
        if (plan.Difference is { } difference)
            return new Obstacle(Reasons.TargetsDiffer, difference);
        return self.Spec.UsesRoute() && observed.Route is { } route ? FindRefusal(self, route) : null;
    }

    private static Obstacle NoBackend(string kind, string advice) =>
        new(
            Reasons.NoBackend,
            $"The cluster does not serve {kind}. {advice}, or change spec.traffic.mode. The operator publishes when the cluster serves the kind."
        );

    private static Obstacle? FindRefusal(TrafficMember self, V1HttpRoute route)
    {
        foreach (var (type, reason) in new[] { ("Accepted", Reasons.RouteNotAccepted), ("ResolvedRefs", Reasons.RefsNotResolved) })
        {
            if (FindCondition(self, route, type) is not { } condition || (string?)condition["status"] != "False")
                continue;
            var advice =
                (string?)condition["reason"] == "RefNotPermitted"
                    ? " Create a ReferenceGrant in the namespace of the Service that allows HTTPRoutes of this namespace."
                    : "";
            return new Obstacle(
                reason,
                $"Gateway {self.Spec.GatewayRef?.Name} says {type} is False ({(string?)condition["reason"]}): {(string?)condition["message"]}.{advice}"
            );
        }

        return null;
    }

    private static string? FindUnconfirmed(TrafficMember self, ObservedTraffic observed, TrafficPlan plan)
    {
        if (self.Spec.UsesDns())
        {
            var dns = plan.Writer is null ? observed.Dns : observed.GroupDns;
            if (dns is null || NumberOf(dns.Status?["observedGeneration"]) < (dns.Metadata.Generation ?? 0))
            {
                var place = dns is null ? "" : $" in DNSEndpoint {dns.Metadata.NamespaceProperty}/{dns.Metadata.Name}";
                return $"external-dns has not confirmed the records{place}. Check that it runs, has --source=crd, and may read this namespace.";
            }
        }

        return
            self.Spec.UsesRoute()
            && (
                observed.Route is not { } route
                || !IsCurrent(FindCondition(self, route, "Accepted"), route)
                || !IsCurrent(FindCondition(self, route, "ResolvedRefs"), route)
            )
            ? $"Gateway {self.Spec.GatewayRef?.Name} has not confirmed the route. Check that it exists and that its controller runs."
            : null;
    }

    private static bool IsCurrent(JsonObject? condition, V1HttpRoute route) =>
        (string?)condition?["status"] == "True" && NumberOf(condition["observedGeneration"]) >= (route.Metadata.Generation ?? 0);

    private static JsonObject? FindCondition(TrafficMember self, V1HttpRoute route, string type) =>
        (route.Status?["parents"] as JsonArray)
            ?.OfType<JsonObject>()
            .Where(parent => (string?)parent["parentRef"]?["name"] == self.Spec.GatewayRef?.Name)
            .SelectMany(parent => (parent["conditions"] as JsonArray ?? []).OfType<JsonObject>())
            .FirstOrDefault(condition => (string?)condition["type"] == type);

    // Others write it.
    private static long NumberOf(JsonNode? node) => node is JsonValue value && value.TryGetValue(out long number) ? number : 0;

    private static bool IsOverdue(V1Alpha1ShortenerRegion region, TrafficTiming timing, DateTimeOffset now) =>
        region.Status?.Conditions?.FirstOrDefault(condition => condition.Type == ConditionTypes.TrafficPublished) is { Reason: Reasons.NotConfirmed } former
        && (former.Status == "False" || now.UtcDateTime - former.LastTransitionTime >= timing.ConfirmationLimit);

    private static string Describe(TrafficMember self, TrafficPlan plan)
    {
        var sets = string.Join(" ", plan.OwnSets.Select(Text).Distinct(StringComparer.Ordinal));
        return plan.Status?.EffectiveWeight > 0 ? $"Visitors are sent to {sets}."
            : self.Spec.Weight == 0 ? $"Visitors are sent to {sets}, and not to this region: spec.traffic.weight is 0."
            : $"Visitors are sent to {sets}, and not to this region: no pod serves, or too few looks have found one since.";
    }

    private static string Text(TargetSet set)
    {
        var names = set.Weights.Keys.Order(StringComparer.Ordinal).ToList();
        return string.Join(", ", names.Take(MostNames)) + (names.Count > MostNames ? $" and {names.Count - MostNames} more" : "");
    }
}
