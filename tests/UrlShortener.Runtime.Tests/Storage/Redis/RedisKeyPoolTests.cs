using UrlShortener.Runtime.Codes;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Storage.Redis;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Redis;

[Collection(RedisTestGroup.Name)]
public sealed class RedisKeyPoolTests(RedisServers servers)
{
    public static TheoryData<RedisKind> Kinds => [RedisKind.Standalone, RedisKind.Cluster];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Take_ManyAtOnce_NoCodeTwiceAndNoneLeft(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);
        var codes = CodeGenerator.Generate(90_000);
        await client.Keys.SetEpochAsync(1, Token);
        foreach (var batch in codes.Chunk(10_000))
            await client.Keys.AddAsync(1, batch, Token);
        Assert.Equal(90_000, await client.Keys.CountAsync(1, Token));

        var taken = await Task.WhenAll(Enumerable.Range(0, 90).Select(_ => client.Keys.TakeAsync(1_000, Token)));

        Assert.All(taken, block => Assert.True(block.Count <= 1_000));
        var all = taken.SelectMany(block => block).ToList();
        Assert.All(all, key => Assert.Equal(1, key.Epoch));
        // The last ones may find all sets that they try emptied by the others; what is left is still there.
        while (await client.Keys.TakeAsync(1_000, Token) is { Count: > 0 } rest)
            all.AddRange(rest);
        Assert.Equal(codes.Order(StringComparer.Ordinal), all.Select(key => key.Code).Order(StringComparer.Ordinal));
        Assert.Equal(0, await client.Keys.CountAsync(1, Token));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Take_NoEpochOrEmptyPool_GivesNone(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);
        Assert.Empty(await client.Keys.TakeAsync(10, Token));

        await client.Keys.SetEpochAsync(1, Token);

        Assert.Empty(await client.Keys.TakeAsync(10, Token));
        Assert.Equal(0, await client.Keys.CountAsync(1, Token));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Take_FewerThanAsked_GivesWhatThereIs(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);
        await client.Keys.SetEpochAsync(1, Token);
        await client.Keys.AddAsync(1, ["one1234"], Token);
        await client.Keys.AddAsync(1, ["two1234"], Token);
        await client.Keys.AddAsync(1, [], Token);

        Assert.Equal(["one1234", "two1234"], (await client.Keys.TakeAsync(1_000, Token)).Select(key => key.Code).Order());
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Add_Batch_SpreadsOverTheSets(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);
        await client.Keys.AddAsync(1, CodeGenerator.Generate(10_000), Token);

        var sizes = await Task.WhenAll(
            Enumerable.Range(0, RedisKeyPool.Sets).Select(set => client.Database.SetLengthAsync($"{client.Options.KeyPrefix}:keys:local:1:{set}"))
        );

        Assert.Equal(10_000, sizes.Sum());
        Assert.All(sizes, size => Assert.InRange(size, 1, 200));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task SetEpoch_NewerOne_EmptiesTheOldPools(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);
        await client.Keys.SetEpochAsync(1, Token);
        foreach (var epoch in (int[])[1, 2, 3, 4])
            await client.Keys.AddAsync(epoch, CodeGenerator.Generate(500), Token);

        await client.Keys.SetEpochAsync(4, Token);

        Assert.Equal((long[])[0, 0, 0, 500], await Task.WhenAll(Enumerable.Range(1, 4).Select(epoch => client.Keys.CountAsync(epoch, Token))));
        Assert.All(await client.Keys.TakeAsync(10, Token), key => Assert.Equal(4, key.Epoch));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task SetEpoch_OlderOrTheSame_StaysAndLosesNothing(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);
        await client.Keys.SetEpochAsync(10, Token);
        await client.Keys.AddAsync(10, CodeGenerator.Generate(500), Token);
        await client.Keys.AddAsync(9, CodeGenerator.Generate(500), Token);

        await client.Keys.SetEpochAsync(9, Token);
        Assert.Equal(500, await client.Keys.CountAsync(9, Token));
        await client.Keys.SetEpochAsync(10, Token);

        Assert.Equal((0, 500), (await client.Keys.CountAsync(9, Token), await client.Keys.CountAsync(10, Token)));
        Assert.Equal(10, (await client.Keys.TakeAsync(1, Token)).Single().Epoch);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Source_TakesAndReturns_KeysAreThereForOthers(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);
        var epoch = new KeyEpoch();
        var source = new SharedKeySource(client.Keys, epoch);
        await client.Keys.SetEpochAsync(3, Token);
        await client.Keys.AddAsync(3, CodeGenerator.Generate(100), Token);

        var taken = await source.TakeAsync(100, Token);
        Assert.Equal((100, 3), (taken.Count, epoch.Current));
        Assert.Empty(await source.TakeAsync(100, Token));
        await source.ReturnAsync([.. taken.Take(40), Key.OnDemand("ondemnd")], Token);

        var again = await source.TakeAsync(100, Token);
        Assert.Equal(taken.Take(40).OrderBy(key => key.Code, StringComparer.Ordinal), again.OrderBy(key => key.Code, StringComparer.Ordinal));
    }
}
