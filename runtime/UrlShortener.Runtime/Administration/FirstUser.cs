using UrlShortener.Runtime.Users;

namespace UrlShortener.Runtime.Administration;

/// <summary>Creates a user on the very first start of the embedded product, so that people can try it at once.</summary>
internal static class FirstUser
{
    private const string Email = "owner@localhost";

    /// <summary>Creates the user unless one exists, and prints the key and how to use it. Printed, not logged: logs are kept.</summary>
    public static async Task EnsureAsync(IServiceProvider services, string baseUrl, CancellationToken cancellationToken)
    {
        if ((await services.GetRequiredService<IUserStore>().ListAsync(cancellationToken)).Count > 0)
            return;
        var (user, key) = await NewUsers.CreateAsync(services, Email, Tier.Enterprise, rateLimit: null, quota: null, cancellationToken);
        if (user is null)
            return;
        Console.WriteLine(
            $$"""

            Created the first user, {{Email}}. The key is shown only now:
            API key: {{key}}

            Try:
              curl -sX POST {{baseUrl}}/api/v1/urls -H 'X-API-Key: {{key}}' -H 'Content-Type: application/json' -d '{"original_url":"https://example.com/a/long/path","custom_alias":"hello"}'
              curl -si {{baseUrl}}/hello
              curl -s {{baseUrl}}/api/v1/urls/hello/stats -H 'X-API-Key: {{key}}'

            """
        );
    }
}
