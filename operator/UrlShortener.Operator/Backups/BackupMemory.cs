using UrlShortener.Operator.Postgres;

namespace UrlShortener.Operator.Backups;

/// <summary>What the controller remembers of a region's backups between reconciles. Lost at its restart, without harm.</summary>
/// <param name="Connections">TLS to the members; null: not known yet.</param>
/// <param name="CertificatesVersion">Version of the Secret that <paramref name="Connections"/> was made from.</param>
/// <param name="Written">What pgBackRest's configuration was last written or compared from, as a digest.</param>
internal sealed record BackupMemory(MemberConnections? Connections = null, string? CertificatesVersion = null, string? Written = null);
