namespace UrlShortener.Operator.Certificates;

/// <summary>A step of certificate maintenance.</summary>
internal enum CertificateStep
{
    /// <summary>Nothing to do.</summary>
    None,

    /// <summary>Created all certificates: there were none, or none that were usable.</summary>
    Created,

    /// <summary>Created a second authority, so that clients trust it before it signs.</summary>
    AuthorityAnnounced,

    /// <summary>The second authority signs from now on; clients still trust the first.</summary>
    AuthorityReplaced,

    /// <summary>Removed a former authority that has expired.</summary>
    AuthorityForgotten,

    /// <summary>Renewed the serving certificate.</summary>
    ServingRenewed,
}
