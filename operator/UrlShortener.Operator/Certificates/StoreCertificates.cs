using System.Collections.Concurrent;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Events;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Certificates;

/// <summary>
/// The certificates of the stores that the operator runs: for each store of a region one authority and one serving certificate, in one Secret. Replaced in
/// time; a Secret that another client deleted or changed is repaired.
/// </summary>
internal sealed class StoreCertificates(ResourceClient client, EventRecorder events, TimeProvider time)
{
    // How often a Secret is read although the cache shows no change of it.
    private static readonly TimeSpan CheckInterval = TimeSpan.FromMinutes(10);

    // By UID of the region and component.
    private readonly ConcurrentDictionary<(string Uid, string Component), Known> _known = new();

    /// <summary>Name of the Secret of a store.</summary>
    public static string NameOf(V1Alpha1ShortenerRegion region, string component) => Names.Of(region.Metadata.Name, $"{component}-tls");

    /// <summary>Creates or renews the certificates of a store if that is due.</summary>
    /// <param name="region">The region.</param>
    /// <param name="component">The store.</param>
    /// <param name="names">Names of its servers.</param>
    /// <param name="cached">The Secret in the cache, with digests instead of values; null: none.</param>
    /// <param name="cancellationToken">Ends the requests.</param>
    /// <param name="peers">Public certificates of other authorities that the servers and their clients are to trust, as PEM.</param>
    /// <returns>The certificates, or why there are none.</returns>
    public async Task<(CertificateSet? Set, Obstacle? Obstacle)> EnsureAsync(
        V1Alpha1ShortenerRegion region,
        string component,
        IReadOnlyList<string> names,
        V1Secret? cached,
        CancellationToken cancellationToken,
        string peers = ""
    )
    {
        var key = (region.Metadata.Uid, component);
        var profile = new CertificateProfile($"{Texts.Cut(region.Metadata.Name, 24)} {component}", names, IsClient: true);
        if (
            _known.TryGetValue(key, out var known)
            && known.Version == cached?.Metadata.ResourceVersion
            && known.Set.Peers == peers
            && time.GetUtcNow() < known.CheckedAt + CheckInterval
            && CertificatePlan.Next(known.Set, profile, isPublished: true, time.GetUtcNow()) == CertificateStep.None
        )
            return (known.Set, null);

        var name = NameOf(region, component);
        var live = await client.GetAsync<V1Secret>(new ObjectKey(region.Metadata.NamespaceProperty, name), cancellationToken);
        if (live is not null && !Owned.IsControlledBy(live, region) && !Owned.IsOrphan(live, Build(region, component, null)))
            return (null, Applier.NameTaken($"Secret {name}", live));
        // The servers still have the certificates of a Secret that was deleted or damaged. New ones would lock everybody out.
        var (set, last) = ((live is null ? null : CertificateData.Parse(live)) ?? known?.Set, CertificateStep.None);
        while (CertificatePlan.Next(set, profile, isPublished: true, time.GetUtcNow()) is var step and not CertificateStep.None)
            (set, last) = (CertificatePlan.Take(step, set, profile, time.GetUtcNow()), step);
        var isTrustChanged = live is not null && last == CertificateStep.None && CertificateData.Holds(live, set! with { Peers = known?.Set.Peers ?? "" });
        set = set! with { Peers = peers };
        if (
            live is null
            || last != CertificateStep.None
            || !CertificateData.Holds(live, set!)
            || !Owned.IsControlledBy(live, region)
            || !Owned.HasLabels(live, Build(region, component, null))
        )
        {
            try
            {
                live = await WriteAsync(region, component, set!, live, cancellationToken);
            }
            catch (ApiException refused) when (refused.IsRefusal)
            {
                // Such as that of a Secret that is immutable. The servers still have the former certificates.
                return (known?.Set, Applier.Refused(events, region, $"Secret {name}", refused));
            }

            events.Record(
                region,
                EventSeverity.Normal,
                "CertificatesChanged",
                "Update",
                $"Secret {name}: {(isTrustChanged ? "changed the authorities of other regions" : Tell(last))}."
            );
        }

        _known[key] = new Known(live.Metadata.ResourceVersion, set!, time.GetUtcNow());
        return (set, null);
    }

    /// <summary>The certificates of a store as they are stored; null: there are none yet.</summary>
    public async Task<CertificateSet?> ReadAsync(V1Alpha1ShortenerRegion region, string component, CancellationToken cancellationToken) =>
        (await ReadStoredAsync(region, component, cancellationToken)).Set;

    /// <summary>The certificates with which the servers of a store can be asked, without a change of their Secret; null: nobody knows them.</summary>
    /// <param name="region">The region.</param>
    /// <param name="component">The store.</param>
    /// <param name="cached">The Secret in the cache, with digests instead of values; null: none.</param>
    /// <param name="cancellationToken">Ends the requests.</param>
    public async Task<CertificateSet?> FindAsync(V1Alpha1ShortenerRegion region, string component, V1Secret? cached, CancellationToken cancellationToken)
    {
        var key = (region.Metadata.Uid, component);
        if (_known.TryGetValue(key, out var known) && (cached is null || known.Version == cached.Metadata.ResourceVersion))
            return known.Set;
        var (set, version) = await ReadStoredAsync(region, component, cancellationToken);
        if (set is null)
            return known?.Set;
        // Whether they are to be renewed is looked at when that may be done.
        _known[key] = new Known(version, set, CheckedAt: DateTimeOffset.MinValue);
        return set;
    }

    /// <summary>Forgets the certificates of a deleted region.</summary>
    public void Forget(V1Alpha1ShortenerRegion region)
    {
        foreach (var key in _known.Keys.Where(key => key.Uid == region.Metadata.Uid))
            _known.TryRemove(key, out _);
    }

    private async Task<(CertificateSet? Set, string? Version)> ReadStoredAsync(
        V1Alpha1ShortenerRegion region,
        string component,
        CancellationToken cancellationToken
    )
    {
        var key = new ObjectKey(region.Metadata.NamespaceProperty, NameOf(region, component));
        return await client.GetAsync<V1Secret>(key, cancellationToken) is { } secret && Owned.IsControlledBy(secret, region)
            ? (CertificateData.Parse(secret), secret.Metadata.ResourceVersion)
            : (null, null);
    }

    private async Task<V1Secret> WriteAsync(
        V1Alpha1ShortenerRegion region,
        string component,
        CertificateSet set,
        V1Secret? live,
        CancellationToken cancellationToken
    )
    {
        var secret = Build(region, component, set);
        if (live is null)
            return await client.CreateAsync(secret, FieldManagers.Operator, cancellationToken);
        // Only if nobody has written it since: two authorities at once would trust nothing.
        secret.Metadata.ResourceVersion = live.Metadata.ResourceVersion;
        return await client.ApplyAsync(secret, FieldManagers.Operator, force: true, cancellationToken);
    }

    private static V1Secret Build(V1Alpha1ShortenerRegion region, string component, CertificateSet? set) =>
        new()
        {
            Metadata = Owned.Metadata(region, $"{component}-tls", component),
            Type = "Opaque",
            Data = set is null ? null : CertificateData.Build(set),
        };

    private static string Tell(CertificateStep step) =>
        step switch
        {
            CertificateStep.Created => "created an authority and a serving certificate",
            CertificateStep.AuthorityAnnounced => "announced the next authority",
            CertificateStep.AuthorityReplaced => "the next authority signs from now on",
            CertificateStep.AuthorityForgotten => "removed an authority that has expired",
            CertificateStep.ServingRenewed => "renewed the serving certificate",
            _ => "restored what another client changed",
        };

    private sealed record Known(string? Version, CertificateSet Set, DateTimeOffset CheckedAt);
}
