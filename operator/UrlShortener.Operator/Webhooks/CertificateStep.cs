namespace UrlShortener.Operator.Webhooks;

/// <summary>What was done to the certificates, or is to be done next.</summary>
internal enum CertificateStep
{
    /// <summary>Nothing: they are good.</summary>
    None,

    /// <summary>All were made anew: there were none, or none that could be used.</summary>
    Created,

    /// <summary>A second authority was made, so that it is trusted before it signs.</summary>
    AuthorityAnnounced,

    /// <summary>The second authority signs from now on; the first stays trusted.</summary>
    AuthorityReplaced,

    /// <summary>A former authority that has ended is forgotten.</summary>
    AuthorityForgotten,

    /// <summary>The serving certificate was made anew.</summary>
    ServingRenewed,
}
