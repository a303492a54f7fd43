using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Users;

/// <summary>Creates users and their keys.</summary>
internal static class NewUsers
{
    /// <summary>Stores a user with a new key; null when the email is taken. The key is not kept anywhere else.</summary>
    /// <exception cref="ArgumentException"><see cref="EmailAddress"/> does not accept the email.</exception>
    public static async Task<(User? User, string Key)> CreateAsync(
        IServiceProvider services,
        string email,
        Tier tier,
        int? rateLimit,
        long? quota,
        CancellationToken cancellationToken
    )
    {
        if (!EmailAddress.TryRead(email, out var name))
            throw new ArgumentException($"\"{email}\" is not an email address of printable ASCII characters.", nameof(email));
        var limits = services.GetRequiredService<RateLimitingOptions>();
        var limit =
            rateLimit
            ?? tier switch
            {
                Tier.Free => limits.Free,
                Tier.Pro => limits.Pro,
                _ => limits.Enterprise,
            };
        var key = ApiKey.Generate();
        var now = services.GetRequiredService<TimeProvider>().GetUtcNow();
        var user = await services.GetRequiredService<IUserStore>().CreateAsync(name, tier, limit, quota, ApiKey.Hash(key)!, now, cancellationToken);
        return (user, key);
    }
}
