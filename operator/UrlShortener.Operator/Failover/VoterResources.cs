using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Postgres;

namespace UrlShortener.Operator.Failover;

/// <summary>Builds the objects of a region's vote. Pure; each object has only the fields that the operator owns.</summary>
internal static class VoterResources
{
    /// <summary>The ClusterRole of those who read votes, a part of the installation. The operator may grant this one.</summary>
    public const string ReaderRole = "shortener-vote-reader";

    /// <summary>The ConfigMap with the vote, which other writers own, and with what the guards need.</summary>
    /// <param name="region">The region.</param>
    /// <param name="isLease">Whether the right to write ends by itself.</param>
    /// <param name="places">Where the votes are.</param>
    public static V1ConfigMap BuildMap(V1Alpha1ShortenerRegion region, bool isLease, IReadOnlyDictionary<string, VoterPlace> places) =>
        new()
        {
            Metadata = Metadata(region),
            Data = new Dictionary<string, string> { [VoterPlace.GuardKey] = VoterPlace.WriteGuard(region.Spec.Region, isLease, places) },
        };

    /// <summary>Lets the guards of regions in other namespaces read the vote.</summary>
    /// <param name="region">The region.</param>
    /// <param name="members">The regions of the group.</param>
    public static V1RoleBinding BuildRoleBinding(V1Alpha1ShortenerRegion region, IEnumerable<V1Alpha1ShortenerRegion> members) =>
        new()
        {
            Metadata = Metadata(region),
            RoleRef = new V1RoleRef
            {
                ApiGroup = V1ClusterRole.KubeGroup,
                Kind = V1ClusterRole.KubeKind,
                Name = ReaderRole,
            },
            Subjects =
            [
                .. OthersOf(region, members)
                    .Select(member => new Rbacv1Subject
                    {
                        Kind = V1ServiceAccount.KubeKind,
                        Name = PostgresNames.ScopeOf(member),
                        NamespaceProperty = member.Metadata.NamespaceProperty,
                    }),
            ],
        };

    /// <summary>The regions whose guards need a right to read the vote. Those in its namespace have it as members of Patroni.</summary>
    public static IEnumerable<V1Alpha1ShortenerRegion> OthersOf(V1Alpha1ShortenerRegion region, IEnumerable<V1Alpha1ShortenerRegion> members) =>
        members.Where(member => !member.IsRemote && member.Metadata.NamespaceProperty != region.Metadata.NamespaceProperty);

    private static V1ObjectMeta Metadata(V1Alpha1ShortenerRegion region) => Owned.Metadata(region, VoterPlace.Component, VoterPlace.Component);
}
