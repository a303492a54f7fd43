using System.Net;
using System.Security.Cryptography;
using System.Text;
using BitFaster.Caching;
using BitFaster.Caching.Lru;
using Prometheus;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.RateLimiting;

namespace UrlShortener.Runtime.Access;

/// <summary>
/// Protects the store from guessed credentials. An address may send a limited number of invalid ones per minute; past that limit, only credentials that were
/// valid recently are looked up. A few lookups of one address run at the same time and the others wait, so that a burst of valid credentials is not refused
/// and a burst of guesses costs only a few more lookups. State is per process: it limits what this process sends to the store.
/// </summary>
internal sealed class CredentialGate(RateLimitingOptions options, TimeProvider time)
{
    private const int LookupsAtATime = 4;
    private static readonly TimeSpan RememberedFor = TimeSpan.FromHours(1);

    private static readonly Counter Refusals = Metrics.CreateCounter(
        "shortener_credentials_refused_total",
        "Credentials refused without a lookup, because their address had too many invalid ones."
    );

    private readonly int _limit = options.FailedCredentials ?? options.Anonymous;

    private readonly ICache<string, bool> _valid = new ConcurrentLruBuilder<string, bool>()
        .WithCapacity(options.Capacity)
        .WithExpireAfterAccess(RememberedFor)
        .Build();

    private readonly ConcurrentLru<string, Place> _places = new(options.Capacity);
    private readonly LocalBuckets _failures = new(options.Capacity, time);

    /// <summary>Looks up a credential unless its address sent too many invalid ones.</summary>
    /// <param name="address">Address of the caller.</param>
    /// <param name="credential">The credential as sent.</param>
    /// <param name="lookUp">The lookup; also returns whether the credential was found to be invalid.</param>
    /// <param name="cancellationToken">Ends the wait for a turn.</param>
    /// <returns>The result of the lookup; without a lookup, the seconds to wait.</returns>
    public async ValueTask<(T? Found, int RetryAfter)> LookUpAsync<T>(
        IPAddress? address,
        string credential,
        Func<ValueTask<(T Found, bool IsInvalid)>> lookUp,
        CancellationToken cancellationToken
    )
    {
        var digest = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(credential)));
        if (!options.Enabled || _valid.TryGet(digest, out _))
            return (await ConcludeAsync(address, digest, lookUp), 0);

        var place = _places.GetOrAdd(RateLimiter.SiteKey(address) ?? RateLimiter.AddressKey(address), static _ => new Place());
        await place.Turn.WaitAsync(cancellationToken);
        try
        {
            if (Wait(address) is > 0 and var wait)
            {
                Refusals.Inc();
                return (default, wait);
            }

            return (await ConcludeAsync(address, digest, lookUp), 0);
        }
        finally
        {
            place.Turn.Release();
        }
    }

    private async ValueTask<T> ConcludeAsync<T>(IPAddress? address, string digest, Func<ValueTask<(T Found, bool IsInvalid)>> lookUp)
    {
        var (found, isInvalid) = await lookUp();
        if (isInvalid)
        {
            _valid.TryRemove(digest);
            foreach (var (caller, limit) in LimitsOf(address))
                _failures.Take(caller, limit);
        }
        else
            _valid.AddOrUpdate(digest, true);
        return found;
    }

    private int Wait(IPAddress? address) => LimitsOf(address).Max(entry => _failures.Peek(entry.Caller, entry.Limit).RetryAfter);

    private IEnumerable<(string Caller, int Limit)> LimitsOf(IPAddress? address)
    {
        yield return (RateLimiter.AddressKey(address), _limit);
        if (RateLimiter.SiteKey(address) is { } site)
            yield return (site, _limit * RateLimiter.SubnetsPerSite);
    }

    // Not disposed: a semaphore without a wait handle holds no resources, and requests may still wait on one that was removed.
    private sealed class Place
    {
        public SemaphoreSlim Turn { get; } = new(LookupsAtATime);
    }
}
