namespace UrlShortener.Operator.Webhooks;

/// <summary>
/// All certificates of the webhook, kept together in one Secret that every replica of the operator reads. An authority is announced before it signs and stays trusted
/// after, so that at no time a serving certificate is in use that the API server does not trust.
/// </summary>
/// <param name="Authority">The authority that signs.</param>
/// <param name="NextAuthority">The one that will; null: none is announced.</param>
/// <param name="FormerAuthority">The one that did, without its key; null: none is remembered.</param>
/// <param name="Serving">What replicas serve with.</param>
internal sealed record CertificateSet(Certificate Authority, Certificate? NextAuthority, Certificate? FormerAuthority, Certificate Serving)
{
    /// <summary>Every authority that is trusted, as PEM.</summary>
    public string Bundle => string.Concat(new[] { Authority, NextAuthority, FormerAuthority }.OfType<Certificate>().Select(authority => authority.CertificatePem.TrimEnd() + "\n"));
}
