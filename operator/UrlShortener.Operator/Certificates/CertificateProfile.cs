namespace UrlShortener.Operator.Certificates;

/// <summary>What certificates are for.</summary>
/// <param name="Authority">Name of the authority, for people; at most 40 characters.</param>
/// <param name="Names">Names and addresses of the servers, at least one.</param>
/// <param name="IsClient">Whether the servers also authenticate to each other as clients with it.</param>
internal sealed record CertificateProfile(string Authority, IReadOnlyList<string> Names, bool IsClient = false);
