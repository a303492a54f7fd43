using FsCheck.Xunit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Tests.Storage.Sqlite;
using UrlShortener.Runtime.Users;
using Xunit;

namespace UrlShortener.Runtime.Tests.Users;

public sealed class NewUsersTests(SqliteStores database) : IClassFixture<SqliteStores>
{
    [Theory]
    [InlineData("a@b", true)]
    [InlineData("ada.lovelace+links@example.com", true)]
    [InlineData("owner@localhost", true)]
    [InlineData("zoë@bücher.example", true)]
    [InlineData("", false)]
    [InlineData("@", false)]
    [InlineData("ada", false)]
    [InlineData("@example.com", false)]
    [InlineData("ada@", false)]
    [InlineData("ada@x@example.com", false)]
    [InlineData("ada @example.com", false)]
    [InlineData("ada@example.com\n", false)]
    [InlineData("ada\u00a0@example.com", false)]
    [InlineData("ada\0@example.com", false)]
    public void IsEmail_Text_HasOneAtAndNoBlanks(string text, bool expected) => Assert.Equal(expected, NewUsers.IsEmail(text));

    [Fact]
    public void IsEmail_Length_IsLimited()
    {
        Assert.True(NewUsers.IsEmail(new string('a', NewUsers.MaxEmailLength - 2) + "@b"));
        Assert.False(NewUsers.IsEmail(new string('a', NewUsers.MaxEmailLength - 1) + "@b"));
    }

    [Property]
    public void IsEmail_ArbitraryText_NeverThrows(string? text) => NewUsers.IsEmail(text ?? "");

    [Fact]
    public async Task Create_EmailInOtherCase_IsTheSameUser()
    {
        await using var services = Services();
        var name = Guid.NewGuid().ToString("N");

        var (first, key) = await NewUsers.CreateAsync(services, $"Ada.{name}@Example.COM", Tier.Free, null, TestContext.Current.CancellationToken);
        var (second, _) = await NewUsers.CreateAsync(services, $"aDA.{name}@eXAMPLE.com", Tier.Free, null, TestContext.Current.CancellationToken);

        Assert.Equal($"ada.{name}@example.com", first!.Email);
        Assert.Null(second);
        Assert.Equal(first, await database.Stores.Users.FindByKeyHashAsync(ApiKey.Hash(key)!, TestContext.Current.CancellationToken));
        var directory = new UserDirectory(database.Stores.Users, TimeProvider.System);
        Assert.Equal(first, await directory.FindByEmailAsync($" ADA.{name}@EXAMPLE.com", TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("Free", null, 100)]
    [InlineData("Pro", null, 1_000)]
    [InlineData("Enterprise", null, 10_000)]
    [InlineData("Pro", 7, 7)]
    public async Task Create_Tier_SetsTheLimitUnlessGiven(string tier, int? limit, int expected)
    {
        await using var services = Services();

        var (user, _) = await NewUsers.CreateAsync(services, $"{Guid.NewGuid():N}@example.com", Enum.Parse<Tier>(tier), limit, TestContext.Current.CancellationToken);

        Assert.Equal(expected, user!.RateLimit);
    }

    private ServiceProvider Services() => new ServiceCollection()
        .AddSingleton(new RateLimitingOptions())
        .AddSingleton<TimeProvider>(new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60)))
        .AddSingleton(database.Stores.Users)
        .BuildServiceProvider();
}
