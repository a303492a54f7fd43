using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Tests.Storage.Sqlite;
using UrlShortener.Runtime.Users;
using Xunit;

namespace UrlShortener.Runtime.Tests.Users;

public sealed class NewUsersTests(SqliteStores database) : IClassFixture<SqliteStores>
{
    [Fact]
    public async Task Create_EmailInOtherCase_IsTheSameUser()
    {
        await using var services = Services();
        var name = Guid.NewGuid().ToString("N");

        var (first, key) = await NewUsers.CreateAsync(services, $"Ada.{name}@Example.COM", Tier.Free, null, quota: null, TestContext.Current.CancellationToken);
        var (second, _) = await NewUsers.CreateAsync(services, $"aDA.{name}@eXAMPLE.com", Tier.Free, null, quota: null, TestContext.Current.CancellationToken);

        Assert.Equal($"ada.{name}@example.com", first!.Email);
        Assert.Null(second);
        Assert.Equal(first, await database.Stores.Users.FindByKeyHashAsync(ApiKey.Hash(key)!, TestContext.Current.CancellationToken));
        var directory = new UserDirectory(database.Stores.Users, TimeProvider.System);
        Assert.Equal(first, await directory.FindByEmailAsync($"ADA.{name}@EXAMPLE.com", TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("\u212Aate@example.com")]
    [InlineData("kate@example.com\u00a0")]
    [InlineData("zoë@example.com")]
    public async Task Create_EmailIsNotAscii_Throws(string email)
    {
        await using var services = Services();

        await Assert.ThrowsAsync<ArgumentException>(() =>
            NewUsers.CreateAsync(services, email, Tier.Free, null, quota: null, TestContext.Current.CancellationToken)
        );
    }

    [Theory]
    [InlineData("Free", null, 100)]
    [InlineData("Pro", null, 1_000)]
    [InlineData("Enterprise", null, 10_000)]
    [InlineData("Pro", 7, 7)]
    public async Task Create_Tier_SetsTheLimitUnlessGiven(string tier, int? limit, int expected)
    {
        await using var services = Services();

        var (user, _) = await NewUsers.CreateAsync(
            services,
            $"{Guid.NewGuid():N}@example.com",
            Enum.Parse<Tier>(tier),
            limit,
            quota: null,
            TestContext.Current.CancellationToken
        );

        Assert.Equal(expected, user!.RateLimit);
    }

    private ServiceProvider Services() =>
        new ServiceCollection()
            .AddSingleton(new RateLimitingOptions())
            .AddSingleton<TimeProvider>(new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60)))
            .AddSingleton(database.Stores.Users)
            .BuildServiceProvider();
}
