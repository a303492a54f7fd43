using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Users;

/// <summary>Makes users and their keys.</summary>
internal static class NewUsers
{
    /// <summary>Longest email address, in characters; also the width of the column.</summary>
    public const int MaxEmailLength = 255;

    /// <summary>Stores a user with a fresh key; null when the email is taken. The key is not kept anywhere else.</summary>
    public static async Task<(User? User, string Key)> CreateAsync(
        IServiceProvider services, string email, Tier tier, int? rateLimit, CancellationToken cancellationToken)
    {
        var limits = services.GetRequiredService<RateLimitingOptions>();
        var limit = rateLimit ?? tier switch
        {
            Tier.Free => limits.Free,
            Tier.Pro => limits.Pro,
            _ => limits.Enterprise,
        };
        var key = ApiKey.Generate();
        var now = services.GetRequiredService<TimeProvider>().GetUtcNow();
        var user = await services.GetRequiredService<IUserStore>().CreateAsync(email.ToLowerInvariant(), tier, limit, ApiKey.Hash(key)!, now, cancellationToken);
        return (user, key);
    }

    /// <summary>Whether a text can be an email address: something, one '@', something, no blanks or control characters.</summary>
    public static bool IsEmail(string text)
    {
        var at = text.IndexOf('@', StringComparison.Ordinal);
        return text.Length <= MaxEmailLength && at > 0 && at == text.LastIndexOf('@') && at < text.Length - 1
            && !text.Any(character => char.IsWhiteSpace(character) || char.IsControl(character));
    }
}
