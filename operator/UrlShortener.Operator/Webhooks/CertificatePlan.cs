namespace UrlShortener.Operator.Webhooks;

/// <summary>Decides what certificates need, one step at a time. The same input always asks for the same step, so that any replica may take it.</summary>
internal static class CertificatePlan
{
    /// <summary>How long an authority is announced before it signs: API servers learn of it by a watch, and some may be cut off.</summary>
    public static readonly TimeSpan AnnouncementTime = TimeSpan.FromHours(1);

    /// <summary>The next step.</summary>
    /// <param name="set">What there is; null: nothing, or nothing that can be read.</param>
    /// <param name="names">Names that the serving certificate is for.</param>
    /// <param name="isPublished">Whether the API server is told every authority of <paramref name="set"/>.</param>
    /// <param name="now">The time.</param>
    public static CertificateStep Next(CertificateSet? set, IReadOnlyList<string> names, bool isPublished, DateTimeOffset now)
    {
        if (set is null || set.Authority.NotAfter <= now)
            return CertificateStep.Created;
        if (set.FormerAuthority?.NotAfter <= now)
            return CertificateStep.AuthorityForgotten;
        if (set.NextAuthority is { } next && (next.NotAfter <= now || (isPublished && now >= next.NotBefore + CertificateIssuer.ClockSkew + AnnouncementTime)))
            return next.NotAfter <= now ? CertificateStep.Created : CertificateStep.AuthorityReplaced;
        if (set.NextAuthority is null && set.Authority.IsAging(now))
            return CertificateStep.AuthorityAnnounced;
        var isServing = set.Serving.IssuerIdentity == set.Authority.Identity && names.ToHashSet(StringComparer.Ordinal).SetEquals(set.Serving.Names);
        return isServing && !set.Serving.IsAging(now) ? CertificateStep.None : CertificateStep.ServingRenewed;
    }

    /// <summary>Takes a step.</summary>
    public static CertificateSet Take(CertificateStep step, CertificateSet? set, IReadOnlyList<string> names, DateTimeOffset now) => step switch
    {
        CertificateStep.Created => Create(names, now),
        CertificateStep.AuthorityAnnounced => set! with { NextAuthority = CertificateIssuer.CreateAuthority(now) },
        CertificateStep.AuthorityReplaced => new CertificateSet(
            set!.NextAuthority!, null, set.Authority.WithoutKey(), CertificateIssuer.CreateServing(set.NextAuthority!, names, now)),
        CertificateStep.AuthorityForgotten => set! with { FormerAuthority = null },
        CertificateStep.ServingRenewed => set! with { Serving = CertificateIssuer.CreateServing(set!.Authority, names, now) },
        _ => set!,
    };

    private static CertificateSet Create(IReadOnlyList<string> names, DateTimeOffset now)
    {
        var authority = CertificateIssuer.CreateAuthority(now);
        return new CertificateSet(authority, null, null, CertificateIssuer.CreateServing(authority, names, now));
    }
}
