namespace UrlShortener.Runtime.Users;

/// <summary>Accounts and the digests of their keys. The keys themselves are never stored.</summary>
internal interface IUserStore
{
    /// <summary>Stores a user; null when the email is taken. A null quota means the tier's quota.</summary>
    Task<User?> CreateAsync(string email, Tier tier, int rateLimit, long? quota, string keyHash, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>The user whose key has this digest (SHA-256, 64 lower-case hex digits).</summary>
    Task<User?> FindByKeyHashAsync(string keyHash, CancellationToken cancellationToken);

    /// <summary>The user with this email, lower case.</summary>
    Task<User?> FindByEmailAsync(string email, CancellationToken cancellationToken);

    /// <summary>Replaces the digest of a user's key; null revokes the key. False when there is no such user.</summary>
    Task<bool> SetKeyHashAsync(string email, string? keyHash, CancellationToken cancellationToken);

    /// <summary>Sets the bytes that a user may store; null: the tier's quota. False when there is no such user.</summary>
    Task<bool> SetQuotaAsync(string email, long? quota, CancellationToken cancellationToken);

    /// <summary>Bytes that a user stores right now, including everything acknowledged so far.</summary>
    Task<StorageUsage> ReadStorageAsync(long id, CancellationToken cancellationToken);

    /// <summary>A user who can be deleted, or whose deletion has begun; null when there is none with this email, lower case.</summary>
    Task<DoomedUser?> FindDoomedAsync(string email, CancellationToken cancellationToken);

    /// <summary>Begins a deletion: from now on, requests do not find the user, and the user has no key.</summary>
    Task BeginDeletionAsync(long id, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Deletes a user who owns nothing any more; false when there still are links, for example from a request that began earlier.</summary>
    Task<bool> TryDeleteAsync(long id, CancellationToken cancellationToken);

    /// <summary>All users, by id.</summary>
    Task<IReadOnlyList<User>> ListAsync(CancellationToken cancellationToken);

    /// <summary>Records when users were last active, for many users in one call.</summary>
    Task RecordActivityAsync(IReadOnlyCollection<KeyValuePair<long, DateTimeOffset>> activity, CancellationToken cancellationToken);
}

/// <summary>A user to be deleted.</summary>
/// <param name="Id">The user.</param>
/// <param name="Links">Links that they own.</param>
/// <param name="IsBegun">Whether an earlier deletion began and did not finish.</param>
internal sealed record DoomedUser(long Id, long Links, bool IsBegun);
