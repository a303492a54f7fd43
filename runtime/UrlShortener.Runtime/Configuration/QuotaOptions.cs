using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Quotas</c>: bytes that a user may store, by tier; see <see cref="Links.StoredSize"/>. A user's own quota takes precedence.</summary>
internal sealed class QuotaOptions
{
    /// <summary>Largest quota in bytes, 1 PB: practically no limit.</summary>
    public const long Max = 1_000_000_000_000_000;

    /// <summary>Bytes of a free user. 0: such a user can change and delete links but not create any. Default 64 MiB.</summary>
    [Range(0, Max)]
    public long FreeBytes { get; set; } = 64L << 20;

    /// <summary>Bytes of a pro user. Default 2 GiB.</summary>
    [Range(0, Max)]
    public long ProBytes { get; set; } = 2L << 30;

    /// <summary>Bytes of an enterprise user. Default 100 GiB.</summary>
    [Range(0, Max)]
    public long EnterpriseBytes { get; set; } = 100L << 30;
}
