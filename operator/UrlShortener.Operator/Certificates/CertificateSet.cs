namespace UrlShortener.Operator.Certificates;

/// <summary>
/// All certificates of a server, in one Secret. The operator announces an authority before it signs, and keeps it trusted afterwards, so that clients trust the
/// serving certificate at any time.
/// </summary>
/// <param name="Authority">The authority that signs.</param>
/// <param name="NextAuthority">The announced one; null: none.</param>
/// <param name="FormerAuthority">The previous one, without its key; null: none.</param>
/// <param name="Serving">The serving certificate.</param>
internal sealed record CertificateSet(Certificate Authority, Certificate? NextAuthority, Certificate? FormerAuthority, Certificate Serving)
{
    /// <summary>All trusted authorities, as PEM.</summary>
    public string Bundle =>
        string.Concat(new[] { Authority, NextAuthority, FormerAuthority }.OfType<Certificate>().Select(authority => authority.CertificatePem.TrimEnd() + "\n"));
}
