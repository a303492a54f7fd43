using System.Net;
using System.Net.Sockets;
using Prometheus;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Users;

namespace UrlShortener.Runtime.RateLimiting;

/// <summary>
/// One token bucket per caller. The processes of a region share the buckets if they have shared servers. Without them, or while they are unreachable, buckets
/// are local; during an outage each process grants its part of the limit. The number of local buckets is limited;
/// the least recently used one is evicted, and starts full on its next use.
/// </summary>
internal sealed class RateLimiter(RateLimitingOptions options, TimeProvider time, ISharedBuckets? shared = null)
{
    private static readonly Counter Decisions = Metrics.CreateCounter(
        "shortener_rate_limit_decisions_total",
        "API requests by policy and whether a token was left.",
        "policy",
        "result"
    );

    private static readonly Gauge Degraded = Metrics.CreateGauge(
        "shortener_rate_limit_degraded",
        "1 while limits are kept per process because the shared buckets are out of reach."
    );

    private static readonly string[] Policies = [PolicyOf(null), .. Enum.GetValues<Tier>().Select(PolicyOf)];

    // By policy, whether a token was left.
    private static readonly Dictionary<(string Policy, bool IsAllowed), Counter.Child> Counts = (
        from policy in Policies
        from isAllowed in new[] { true, false }
        select (policy, isAllowed)
    ).ToDictionary(key => key, key => Decisions.WithLabels(key.policy, key.isAllowed ? "allowed" : "limited"));

    /// <summary>Limit of an IPv6 /48, as a multiple of the limit of a /64.</summary>
    public const int SubnetsPerSite = 16;

    private readonly LocalBuckets _local = new(options.Capacity, time);

    /// <summary>
    /// Takes a token from the caller's bucket: one per user, or one per anonymous address. An IPv6 address also takes a token of its site; otherwise the owner
    /// of a /48 would have the tokens of 65,536 callers.
    /// </summary>
    public async ValueTask<RateLimitDecision> TakeAsync(User? user, IPAddress? address, CancellationToken cancellationToken)
    {
        var decision = await TakeAsync(user is null ? AddressKey(address) : $"user:{user.Id}", user?.RateLimit ?? options.Anonymous, cancellationToken);
        if (user is null && decision.Allowed && SiteKey(address) is { } site)
        {
            var ofSite = await TakeAsync(site, options.Anonymous * SubnetsPerSite, cancellationToken);
            decision = ofSite.Allowed ? decision : ofSite;
        }

        Counts[(PolicyOf(user), decision.Allowed)].Inc();
        return decision;
    }

    private async ValueTask<RateLimitDecision> TakeAsync(string caller, int limit, CancellationToken cancellationToken)
    {
        var taken = shared is null ? null : await shared.TakeAsync(caller, limit, cancellationToken);
        if (shared is not null)
            Degraded.Set(taken is null ? 1 : 0);
        return taken ?? _local.Take(caller, shared is null ? limit : Math.Max(1, limit / shared.Processes));
    }

    /// <summary>Name of the policy that applies to a caller, as in <c>RateLimit-Policy</c>.</summary>
    public static string PolicyOf(User? user) => user is null ? "anonymous" : PolicyOf(user.Tier);

    private static string PolicyOf(Tier tier) =>
        tier switch
        {
            Tier.Free => "free",
            Tier.Pro => "pro",
            _ => "enterprise",
        };

    /// <summary>Key of one anonymous caller: an IPv4 address, or the IPv6 /64 that a subscriber gets.</summary>
    public static string AddressKey(IPAddress? address)
    {
        if (address is null)
            return "address:none";
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? $"address:{Network(address, 8)}/64" : $"address:{address}";
    }

    /// <summary>The IPv6 /48 that a site gets; null for IPv4.</summary>
    public static string? SiteKey(IPAddress? address) =>
        address is { AddressFamily: AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: false } ? $"address:{Network(address, 6)}/48" : null;

    private static IPAddress Network(IPAddress address, int bytes)
    {
        var network = address.GetAddressBytes();
        network.AsSpan(bytes).Clear();
        return new IPAddress(network);
    }
}
