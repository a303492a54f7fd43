using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Region</c>: where this process runs.</summary>
internal sealed class RegionOptions
{
    /// <summary>Name of the region, as in its ShortenerRegion. Key pools are kept per region. Default <c>local</c>.</summary>
    [RegularExpression("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", ErrorMessage = "must be a DNS label: lower-case letters, digits and '-', at most 63.")]
    public string Name { get; set; } = "local";
}
