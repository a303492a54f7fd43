using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Users;

/// <summary>The quotas of tiers.</summary>
internal static class TierQuotas
{
    /// <summary>Bytes that a user of a tier may store.</summary>
    public static long Of(this QuotaOptions options, Tier tier) =>
        tier switch
        {
            Tier.Free => options.FreeBytes,
            Tier.Pro => options.ProBytes,
            _ => options.EnterpriseBytes,
        };
}
