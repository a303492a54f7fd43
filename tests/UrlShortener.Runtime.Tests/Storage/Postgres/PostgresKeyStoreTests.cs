using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Storage.Postgres;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Postgres;

public sealed class PostgresKeyStoreTests(PostgresStores database) : KeyStoreContract, IClassFixture<PostgresStores>
{
    private PostgresDatabase? _database;

    private IKeyBatchStore Registry => (IKeyBatchStore)Stores.Keys;

    [Fact]
    public async Task OpenEpoch_OnlyGoesUp()
    {
        var current = await Registry.ReadEpochAsync(Token);

        Assert.Equal(current + 5, await Registry.OpenEpochAsync(current + 5, Token));
        Assert.Equal(current + 5, await Registry.OpenEpochAsync(current + 5, Token));
        Assert.Equal(current + 5, await Registry.OpenEpochAsync(current + 2, Token));
        Assert.Equal(current + 5, await Registry.ReadEpochAsync(Token));
    }

    [Fact]
    public async Task Claim_ByManyAtOnce_GivesNoCodeTwice()
    {
        var epoch = await Registry.OpenEpochAsync(await Registry.ReadEpochAsync(Token) + 1, Token);
        var codes = Enumerable.Range(0, 500).Select(_ => NewCode()).ToList();

        var batches = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Registry.ClaimAsync("eu", epoch, codes, Token), Token)));

        Assert.Equal(codes.Order(StringComparer.Ordinal), batches.SelectMany(batch => batch!.Codes).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Claim_SomeAreKnown_GivesTheOthers()
    {
        var epoch = await Registry.OpenEpochAsync(await Registry.ReadEpochAsync(Token) + 1, Token);
        string[] first = [NewCode(), NewCode()],
            second = [NewCode(), first[1], NewCode()],
            third = [NewCode(), NewCode()];

        await Registry.ClaimAsync("eu", epoch, first, Token);
        var afterCollision = await Registry.ClaimAsync("eu", epoch, second, Token);
        var next = await Registry.ClaimAsync("eu", epoch, third, Token);

        Assert.Equal(second.Except(first).Order(StringComparer.Ordinal), afterCollision!.Codes.Order(StringComparer.Ordinal));
        Assert.Equal(third.Order(StringComparer.Ordinal), next!.Codes.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Claim_EpochClosed_IsNull()
    {
        var epoch = await Registry.OpenEpochAsync(await Registry.ReadEpochAsync(Token) + 2, Token);

        Assert.Null(await Registry.ClaimAsync("eu", epoch - 1, [NewCode()], Token));
        Assert.Null(await Registry.ClaimAsync("eu", epoch + 1, [NewCode()], Token));
    }

    [Fact]
    public async Task Adopt_BatchNeverMarked_IsAdoptedOnceWithWhatIsUnused()
    {
        var region = NewCode().ToLowerInvariant();
        var epoch = await Registry.OpenEpochAsync(await Registry.ReadEpochAsync(Token) + 1, Token);
        var pooled = (await Registry.ClaimAsync(region, epoch, [NewCode()], Token))!;
        await Registry.MarkPooledAsync(pooled.Id, Token);
        var left = (await Registry.ClaimAsync(region, epoch, [NewCode(), NewCode()], Token))!;
        await CreateOneAsync(null, NewLink(left.Codes[0]));

        Assert.Null(await Registry.AdoptAsync(region, TimeSpan.FromMinutes(1), Token));
        Assert.Null(await Registry.AdoptAsync("elsewhere", TimeSpan.Zero, Token));
        var adopted = await Task.WhenAll(
            Enumerable.Range(0, 5).Select(_ => Task.Run(() => Registry.AdoptAsync(region, TimeSpan.FromMilliseconds(1), Token), Token))
        );

        Assert.Contains(adopted, batch => batch is not null && batch.Id == left.Id && batch.Codes.SequenceEqual([left.Codes[1]]));
        Assert.All(adopted, batch => Assert.True(batch is null || batch.Id == left.Id));
        // What another process has in a region's pool is not this one's to delete.
        await Stores.Keys.DeleteLeftoversAsync(1_000_000, Token);
        Assert.Empty(await Stores.Keys.AddAsync([left.Codes[1]], Token));
    }

    [Fact]
    public async Task Adopt_BatchOfAClosedEpoch_IsLeft()
    {
        var region = NewCode().ToLowerInvariant();
        var epoch = await Registry.OpenEpochAsync(await Registry.ReadEpochAsync(Token) + 1, Token);
        await Registry.ClaimAsync(region, epoch, [NewCode()], Token);

        await Registry.OpenEpochAsync(epoch + 1, Token);

        Assert.Null(await Registry.AdoptAsync(region, TimeSpan.FromMilliseconds(1), Token));
    }

    private protected override async ValueTask<Stores> OpenAsync()
    {
        var stores = await database.OpenAsync();
        _database = await database.OpenDatabaseAsync();
        return stores;
    }

    private protected override IKeyClaims NewKeyStore() => new PostgresKeyStore(_database!);
}
