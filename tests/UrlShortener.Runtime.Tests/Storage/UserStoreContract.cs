using UrlShortener.Runtime.Users;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage;

/// <summary>What every <see cref="IUserStore"/> does.</summary>
public abstract class UserStoreContract : StoreContract
{
    private IUserStore Users => Stores.Users;

    [Theory]
    [InlineData("free", 100)]
    [InlineData("pro", 1)]
    [InlineData("enterprise", 1_000_000)]
    public async Task Create_NewUser_IsFoundByKeyAndByEmail(string tier, int limit)
    {
        var (email, hash) = (NewEmail(), NewHash());
        var expectedTier = Enum.Parse<Tier>(tier, ignoreCase: true);

        var user = await Users.CreateAsync(email, expectedTier, limit, quota: null, hash, Now, Token);

        Assert.NotNull(user);
        Assert.Equal(new User(user.Id, email, expectedTier, limit, 0, Now, null, HasKey: true), user);
        Assert.Equal(user, await Users.FindByKeyHashAsync(hash, Token));
        Assert.Equal(user, await Users.FindByEmailAsync(email, Token));
    }

    [Fact]
    public async Task Create_EmailTaken_IsNullAndLeavesTheFirst()
    {
        var first = await NewUserAsync();
        var hash = NewHash();

        Assert.Null(await Users.CreateAsync(first.Email, Tier.Enterprise, 1, quota: null, hash, Now, Token));

        Assert.Null(await Users.FindByKeyHashAsync(hash, Token));
        Assert.Equal(first, await Users.FindByEmailAsync(first.Email, Token));
    }

    [Fact]
    public async Task Create_OneEmailManyTimesAtOnce_ExactlyOneWins()
    {
        var email = NewEmail();

        var users = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(_ => Task.Run(() => Users.CreateAsync(email, Tier.Free, 100, quota: null, NewHash(), Now, Token), Token))
        );

        Assert.Equal(Assert.Single(users, user => user is not null), await Users.FindByEmailAsync(email, Token));
    }

    [Fact]
    public async Task Delete_UserWithLinks_EndsOnceTheyAreGone()
    {
        var (email, hash) = (NewEmail(), NewHash());
        var user = (await Users.CreateAsync(email, Tier.Free, 100, quota: null, hash, Now, Token))!;
        await CreateOneAsync(user.Id);
        Assert.Null(await Users.FindDoomedAsync(NewEmail(), Token));
        Assert.Equal(new DoomedUser(user.Id, 1, IsBegun: false), await Users.FindDoomedAsync(email, Token));

        await Users.BeginDeletionAsync(user.Id, Now, Token);

        // Nobody to requests, and still there for whoever goes on with the deletion.
        Assert.Null(await Users.FindByKeyHashAsync(hash, Token));
        Assert.Null(await Users.FindByEmailAsync(email, Token));
        Assert.False(await Users.SetKeyHashAsync(email, NewHash(), Token));
        Assert.Equal(new DoomedUser(user.Id, 1, IsBegun: true), await Users.FindDoomedAsync(email, Token));
        Assert.False(await Users.TryDeleteAsync(user.Id, Token));
        await Links.DeleteOfUserAsync(user.Id, 10, Token);
        Assert.True(await Users.TryDeleteAsync(user.Id, Token));
        Assert.Null(await Users.FindDoomedAsync(email, Token));
        Assert.DoesNotContain(await Users.ListAsync(Token), listed => listed.Id == user.Id);
        Assert.NotNull(await Users.CreateAsync(email, Tier.Free, 100, quota: null, NewHash(), Now, Token));
    }

    [Fact]
    public async Task Create_UnicodeEmail_RoundTrips()
    {
        var email = $"zoë.😀.'{Guid.NewGuid():N}@bücher.example";

        Assert.NotNull(await Users.CreateAsync(email, Tier.Free, 100, quota: null, NewHash(), Now, Token));

        Assert.Equal(email, (await Users.FindByEmailAsync(email, Token))!.Email);
    }

    [Fact]
    public async Task Find_Unknown_IsNull()
    {
        Assert.Null(await Users.FindByKeyHashAsync(NewHash(), Token));
        Assert.Null(await Users.FindByEmailAsync(NewEmail(), Token));
    }

    [Fact]
    public async Task SetKeyHash_AnotherKey_ReplacesTheFirst()
    {
        var (email, old, fresh) = (NewEmail(), NewHash(), NewHash());
        var user = await Users.CreateAsync(email, Tier.Pro, 100, quota: null, old, Now, Token);

        Assert.True(await Users.SetKeyHashAsync(email, fresh, Token));

        Assert.Null(await Users.FindByKeyHashAsync(old, Token));
        Assert.Equal(user, await Users.FindByKeyHashAsync(fresh, Token));
    }

    [Fact]
    public async Task SetKeyHash_Null_RevokesAndANewKeyRestores()
    {
        var (email, hash, fresh) = (NewEmail(), NewHash(), NewHash());
        await Users.CreateAsync(email, Tier.Free, 100, quota: null, hash, Now, Token);
        var other = await NewUserAsync();

        // A second one: keys are unique, the lack of one is not.
        Assert.True(await Users.SetKeyHashAsync(email, null, Token));
        Assert.True(await Users.SetKeyHashAsync(email, null, Token));
        Assert.True(await Users.SetKeyHashAsync(other.Email, null, Token));

        Assert.Null(await Users.FindByKeyHashAsync(hash, Token));
        Assert.False((await Users.FindByEmailAsync(email, Token))!.HasKey);
        Assert.True(await Users.SetKeyHashAsync(email, fresh, Token));
        Assert.True((await Users.FindByKeyHashAsync(fresh, Token))!.HasKey);
    }

    [Fact]
    public async Task SetKeyHash_UnknownEmail_IsFalse()
    {
        Assert.False(await Users.SetKeyHashAsync(NewEmail(), NewHash(), Token));
        Assert.False(await Users.SetKeyHashAsync(NewEmail(), null, Token));
    }

    [Fact]
    public async Task List_Users_ById()
    {
        var first = await NewUserAsync();
        var second = await NewUserAsync();

        var users = await Users.ListAsync(Token);

        Assert.Contains(first, users);
        Assert.Contains(second, users);
        Assert.Equal(users.OrderBy(user => user.Id), users);
    }

    [Fact]
    public async Task RecordActivity_OutOfOrder_KeepsTheNewest()
    {
        var first = await NewUserAsync();
        var second = await NewUserAsync();
        var newer = Now.AddMinutes(1);

        await Users.RecordActivityAsync([KeyValuePair.Create(first.Id, newer), KeyValuePair.Create(second.Id, Now)], Token);
        await Users.RecordActivityAsync([KeyValuePair.Create(first.Id, Now)], Token);
        await Users.RecordActivityAsync([], Token);

        Assert.Equal(newer, (await Users.FindByEmailAsync(first.Email, Token))!.LastActiveAt);
        Assert.Equal(Now, (await Users.FindByEmailAsync(second.Email, Token))!.LastActiveAt);
    }

    [Fact]
    public async Task RecordActivity_UnknownUser_IsIgnored()
    {
        var user = await NewUserAsync();

        await Users.RecordActivityAsync([KeyValuePair.Create(long.MaxValue, Now), KeyValuePair.Create(user.Id, Now)], Token);

        Assert.Equal(Now, (await Users.FindByEmailAsync(user.Email, Token))!.LastActiveAt);
    }
}
