using System.Net;

namespace UrlShortener.Runtime.Hosts;

/// <summary>A host in canonical form, for comparison.</summary>
/// <param name="Name">Lower-case ASCII: punycode without trailing dot, dotted-decimal IPv4, or IPv6 in brackets.</param>
/// <param name="Address">The address when the host is an IP literal, otherwise null.</param>
/// <param name="IsConfusable">Whether the name may be mistaken for another one, see <see cref="Confusables"/>.</param>
internal readonly record struct ParsedHost(string Name, IPAddress? Address, bool IsConfusable);
