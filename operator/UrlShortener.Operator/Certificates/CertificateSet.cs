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
    /// <summary>Public certificates of the authorities of others that are trusted too, as PEM.</summary>
    public string Peers { get; init; } = "";

    /// <summary>All trusted authorities, as PEM.</summary>
    public string Bundle => Authorities + Peers;

    /// <summary>The own ones of them. No private key is in it.</summary>
    public string Authorities =>
        string.Concat(new[] { Authority, NextAuthority, FormerAuthority }.OfType<Certificate>().Select(authority => authority.CertificatePem.TrimEnd() + "\n"));
}
