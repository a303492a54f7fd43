namespace UrlShortener.Operator.Certificates;

/// <summary>Decides the next step of certificate maintenance. The same input always gives the same step, so that any replica can take it.</summary>
internal static class CertificatePlan
{
    /// <summary>Time between the announcement of an authority and its first signature: API servers receive it through a watch, which may be late.</summary>
    public static readonly TimeSpan AnnouncementTime = TimeSpan.FromHours(1);

    /// <summary>The next step.</summary>
    /// <param name="set">The current certificates; null: none, or unreadable.</param>
    /// <param name="profile">What the certificates are for.</param>
    /// <param name="isPublished">Whether the published CA bundle has every authority of <paramref name="set"/>.</param>
    /// <param name="now">The time.</param>
    public static CertificateStep Next(CertificateSet? set, CertificateProfile profile, bool isPublished, DateTimeOffset now)
    {
        if (set is null || set.Authority.NotAfter <= now)
            return CertificateStep.Created;
        if (set.FormerAuthority?.NotAfter <= now)
            return CertificateStep.AuthorityForgotten;
        if (set.NextAuthority is { } next && (next.NotAfter <= now || (isPublished && now >= next.NotBefore + CertificateIssuer.ClockSkew + AnnouncementTime)))
            return next.NotAfter <= now ? CertificateStep.Created : CertificateStep.AuthorityReplaced;
        if (set.NextAuthority is null && set.Authority.IsAging(now))
            return CertificateStep.AuthorityAnnounced;
        var isServing = set.Serving.IssuerIdentity == set.Authority.Identity && profile.Names.ToHashSet(StringComparer.Ordinal).SetEquals(set.Serving.Names);
        return isServing && !set.Serving.IsAging(now) ? CertificateStep.None : CertificateStep.ServingRenewed;
    }

    /// <summary>Carries out a step.</summary>
    public static CertificateSet Take(CertificateStep step, CertificateSet? set, CertificateProfile profile, DateTimeOffset now) =>
        step switch
        {
            CertificateStep.Created => Create(profile, now),
            CertificateStep.AuthorityAnnounced => set! with { NextAuthority = CertificateIssuer.CreateAuthority(profile.Authority, now) },
            CertificateStep.AuthorityReplaced => new CertificateSet(
                set!.NextAuthority!,
                null,
                set.Authority.WithoutKey(),
                CertificateIssuer.CreateServing(set.NextAuthority!, profile, now)
            ),
            CertificateStep.AuthorityForgotten => set! with { FormerAuthority = null },
            CertificateStep.ServingRenewed => set! with { Serving = CertificateIssuer.CreateServing(set!.Authority, profile, now) },
            _ => set!,
        };

    private static CertificateSet Create(CertificateProfile profile, DateTimeOffset now)
    {
        var authority = CertificateIssuer.CreateAuthority(profile.Authority, now);
        return new CertificateSet(authority, null, null, CertificateIssuer.CreateServing(authority, profile, now));
    }
}
