using System.ComponentModel.DataAnnotations;
using UrlShortener.Runtime.Hosts;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Links</c>: limits of links, and the host under which they are published.</summary>
internal sealed class LinkOptions : IValidatableObject
{
    /// <summary>
    /// Scheme and host of short URLs, such as <c>https://sho.rt</c>; set it wherever the product is reached by a host name. Unset: the scheme and host of the
    /// request, if the host is one of <see cref="OwnHosts"/> or of ASP.NET Core's <c>AllowedHosts</c>; if neither is set, loopback or an address
    /// listened on.
    /// </summary>
    public Uri? PublicBaseUrl { get; set; }

    /// <summary>Hosts of this product. API requests may use them. A link to one of them would be a loop and is refused.</summary>
    public string[] OwnHosts { get; set; } = [];

    /// <summary>Longest target, in characters. Default 2,048.</summary>
    [Range(64, 7_168)]
    public int MaxUrlLength { get; set; } = 2_048;

    /// <summary>Largest metadata of one link, in bytes of its JSON text in UTF-8. Default 4,096.</summary>
    [Range(2, 65_536)]
    public int MaxMetadataBytes { get; set; } = 4_096;

    /// <summary>Most links in one bulk request. Default 1,000.</summary>
    [Range(1, 10_000)]
    public int BulkLimit { get; set; } = 1_000;

    /// <summary>Most links in one bulk request of an enterprise user. Default 10,000.</summary>
    [Range(1, 100_000)]
    public int EnterpriseBulkLimit { get; set; } = 10_000;

    /// <summary>
    /// How long a list looks for links that match its filters. Then it answers with those it found, and where to go on. Default 0.1 s. On PostgreSQL at most half
    /// of the time limit of queries (<c>Postgres:QueryTimeout</c>), which ends them without an answer.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:10")]
    public TimeSpan SearchTime { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (PublicBaseUrl is not null && (PublicBaseUrl.PathAndQuery != "/" || PublicBaseUrl.Fragment.Length > 0 || PublicBaseUrl.UserInfo.Length > 0))
            yield return new ValidationResult("must be scheme and host only, such as https://sho.rt.", [nameof(PublicBaseUrl)]);
        foreach (var host in OwnHosts)
        {
            if (!TargetHost.TryParse(host, out _, out var problem))
                yield return new ValidationResult($"has \"{host}\": {problem} Give a host name without scheme and port.", [nameof(OwnHosts)]);
        }
    }
}
