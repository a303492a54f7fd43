using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using BitFaster.Caching;
using BitFaster.Caching.Lru;

namespace UrlShortener.Runtime.Users;

/// <summary>Finds the user of a credential. Results are cached for a few seconds only, so that a key revoked by another process soon stops working.</summary>
internal sealed class UserDirectory(IUserStore store, TimeProvider time)
{
    // Also the longest time that a revoked key still works.
    private static readonly TimeSpan HeldFor = TimeSpan.FromSeconds(5);

    private readonly IAsyncCache<string, Found> _users = new ConcurrentLruBuilder<string, Found>()
        .WithCapacity(10_000)
        .WithExpireAfterWrite(HeldFor)
        .WithAtomicGetOrAdd()
        .AsAsyncCache()
        .Build();

    private readonly ConcurrentDictionary<long, DateTimeOffset> _activity = new();

    /// <summary>The user of an API key; null when there is none.</summary>
    public async ValueTask<User?> FindByKeyAsync(string apiKey, CancellationToken cancellationToken)
    {
        if (ApiKey.Hash(apiKey) is not { } hash)
            return null;
        var found = await FindAsync(hash, store.FindByKeyHashAsync, cancellationToken);
        // The index compares prefixes in variable time; the digest itself is compared in constant time.
        return CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(found.Key), Encoding.ASCII.GetBytes(hash)) ? Seen(found.User) : null;
    }

    /// <summary>The user with an email address; null when there is none.</summary>
    public async ValueTask<User?> FindByEmailAsync(string email, CancellationToken cancellationToken)
    {
        // The '@' distinguishes these keys from digests.
        return EmailAddress.TryRead(email, out var name) ? Seen((await FindAsync(name, store.FindByEmailAsync, cancellationToken)).User) : null;
    }

    /// <summary>Returns the users' activity that is not recorded yet, and removes it from the list.</summary>
    public IReadOnlyCollection<KeyValuePair<long, DateTimeOffset>> TakeActivity()
    {
        var taken = new List<KeyValuePair<long, DateTimeOffset>>();
        foreach (var id in _activity.Keys)
        {
            if (_activity.TryRemove(id, out var at))
                taken.Add(KeyValuePair.Create(id, at));
        }

        return taken;
    }

    private async ValueTask<Found> FindAsync(string key, Func<string, CancellationToken, Task<User?>> load, CancellationToken cancellationToken)
    {
        // Callers share one load: a caller that disconnects must not cancel it for the others.
        var found = _users.GetOrAddAsync(key, async (name, load) => new Found(name, await load(name, CancellationToken.None)), load);
        return found.IsCompletedSuccessfully ? found.Result : await found.AsTask().WaitAsync(cancellationToken);
    }

    private User? Seen(User? user)
    {
        if (user is not null)
            _activity[user.Id] = time.GetUtcNow();
        return user;
    }

    private sealed record Found(string Key, User? User);
}
