using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Backups;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Failover;
using UrlShortener.Operator.KeyPools;
using UrlShortener.Operator.Postgres;
using UrlShortener.Operator.Redis;
using UrlShortener.Operator.Regions;
using UrlShortener.Operator.Regions.Validation;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Webhooks;

/// <summary>Admission policies of the operator's kinds.</summary>
internal static class AdmissionPolicies
{
    // The deletion of a namespace deletes its objects; a refusal would only block it.
    private const string NamespaceController = "system:serviceaccount:kube-system:namespace-controller";

    private static readonly Dictionary<string, IAdmissionPolicy> Policies = new(StringComparer.Ordinal)
    {
        [V1Alpha1ShortenerRegion.KubePlural] = new AdmissionPolicy<V1Alpha1ShortenerRegion, RegionSpec>(
            (spec, former) =>
                [
                    .. RegionRules.Check(spec, former),
                    .. PostgresRules.Check(spec, former),
                    .. BackupRules.Check(spec, former),
                    .. FailoverRules.Check(spec),
                    .. RedisRules.Check(spec, former),
                ],
            spec => [.. RegionRules.Warnings(spec), .. PostgresRules.Warnings(spec), .. RedisRules.Warnings(spec)],
            (spec, replicas) => spec with { App = spec.App with { MinReplicas = replicas } },
            new Dictionary<string, Func<V1Alpha1ShortenerRegion, string, SpecProblem?>>
            {
                [Labels.Promote] = (region, value) => PromotionRules.CheckRequest(region, value, Labels.Promote),
                [Labels.ForcePrimary] = (region, value) => PromotionRules.CheckRequest(region, value, Labels.ForcePrimary),
                [Labels.Switchover] = PostgresRules.CheckSwitchover,
            },
            CheckDeletion
        ),
        [V1Alpha1KeyPool.KubePlural] = new AdmissionPolicy<V1Alpha1KeyPool, KeyPoolSpec>(
            KeyPoolRules.Check,
            KeyPoolRules.Warnings,
            (spec, replicas) => spec with { TargetAvailable = replicas },
            new Dictionary<string, Func<V1Alpha1KeyPool, string, SpecProblem?>> { [Labels.OpenEpoch] = (_, value) => KeyPoolRules.CheckEpoch(value) },
            (_, _) => null
        ),
    };

    /// <summary>The policy of a kind; null: not a kind of the operator.</summary>
    public static IAdmissionPolicy? Find(AdmissionResource? resource) =>
        resource is { Group: ApiGroup.Name, Resource: { } plural } ? Policies.GetValueOrDefault(plural) : null;

    // The only region of a group has no topology, and can always be deleted.
    private static string? CheckDeletion(V1Alpha1ShortenerRegion region, string user)
    {
        var isPrimaryOfAGroup =
            region.Status is { Role: RegionRole.Primary or RegionRole.Fenced, Topology: { } topology } && topology.PrimaryRegion == region.Spec.Region;
        var isAllowed = Labels.AnnotationOf(region.Metadata, Labels.AllowDeletePrimary) == region.Spec.Region;
        return isPrimaryOfAGroup && !isAllowed && user != NamespaceController
            ? $"Region {region.Spec.Region} is the primary of group {region.Spec.Group}. Promote another region (annotation {Labels.Promote}), "
                + $"delete the other regions first, or set the annotation {Labels.AllowDeletePrimary}: {region.Spec.Region}."
            : null;
    }
}
