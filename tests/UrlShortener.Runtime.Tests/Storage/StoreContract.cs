using System.Security.Cryptography;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Codes;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Users;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage;

/// <summary>
/// What the contracts of the stores have in common. The database may be shared with other tests and hold anything, so every test works on codes, users and
/// days of its own, at times near the present: a store may refuse others, having no partition for them.
/// </summary>
public abstract class StoreContract : IAsyncLifetime
{
    /// <summary>A user who asks, where it does not matter who.</summary>
    protected const long Owner = 1;

    private Stores? _stores;

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The present, in the whole milliseconds that stores keep.</summary>
    protected static DateTimeOffset Now { get; } = DateTimeOffset.FromUnixTimeMilliseconds(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());

    private protected Stores Stores => _stores ?? throw new InvalidOperationException("The stores are not open yet.");

    private protected ILinkStore Links => Stores.Links;

    public async ValueTask InitializeAsync() => _stores = await OpenAsync();

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>The stores of a database that is ready for use.</summary>
    private protected abstract ValueTask<Stores> OpenAsync();

    /// <summary>A code that nothing else uses.</summary>
    protected static string NewCode() => CodeGenerator.Generate();

    private protected static Key NewKey() => Key.OnDemand(NewCode());

    protected static string NewEmail() => $"{Guid.NewGuid():N}@example.com";

    /// <summary>64 hex digits that nothing else uses.</summary>
    protected static string NewHash() => ApiKey.Hash(ApiKey.Generate())!;

    private protected static AddressHash NewVisitor() => AddressHash.Read(RandomNumberGenerator.GetBytes(AddressHash.Size));

    private protected async Task<User> NewUserAsync() => (await Stores.Users.CreateAsync(NewEmail(), Tier.Free, 100, quota: null, NewHash(), Now, Token))!;

    private protected static NewLink NewLink(string? alias = null, string target = "https://example.com/", string metadata = "{}") =>
        new(alias, target, null, 302, metadata);

    /// <summary>Stores links without an idempotency key.</summary>
    private protected async Task<IReadOnlyList<Link?>> CreateAsync(long? userId, DateTimeOffset at, params NewLink[] links) =>
        Assert.IsType<CreateLinksResult.Created>(await Links.CreateAsync(new CreateLinks(links, userId, at, NewKey), Token)).Links;

    /// <summary>Stores one link.</summary>
    private protected async Task<Link> CreateOneAsync(long? userId = null, NewLink? link = null, DateTimeOffset? at = null) =>
        Assert.Single(await CreateAsync(userId, at ?? Now, link ?? NewLink()))!;
}
