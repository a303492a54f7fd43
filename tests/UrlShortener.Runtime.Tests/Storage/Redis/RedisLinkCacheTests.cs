using System.Collections.Concurrent;
using StackExchange.Redis;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Links;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Redis;

[Collection(RedisTestGroup.Name)]
public sealed class RedisLinkCacheTests(RedisServers servers)
{
    public static TheoryData<RedisKind> Kinds => [RedisKind.Standalone, RedisKind.Cluster];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Find_NothingStored_KnowsNothing(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);

        Assert.Equal(default, await client.Links.FindAsync("abcd", Token));
        Assert.True(client.Links.IsAvailable);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Store_ManyCodes_AreFoundAsTheyWere(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);
        foreach (var i in Enumerable.Range(1, 50))
            await client.Links.StoreAsync($"code{i}", NewTarget(i), Token);

        foreach (var i in Enumerable.Range(1, 50))
            Assert.Equal(new SharedLookup(NewTarget(i), new(0, i)), await client.Links.FindAsync($"code{i}", Token));
        Assert.Equal(default, await client.Links.FindAsync("CODE1", Token));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Store_OlderState_NeverReplacesANewerOne(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);
        // Compared as numbers, not as text.
        await client.Links.StoreAsync("abcd", NewTarget(10), Token);
        await client.Links.StoreAsync("abcd", NewTarget(9), Token);
        Assert.Equal(10, (await client.Links.FindAsync("abcd", Token)).Target!.Version.Number);

        await client.Links.StoreAsync("abcd", NewTarget(11), Token);
        Assert.Equal(11, (await client.Links.FindAsync("abcd", Token)).Target!.Version.Number);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task StoreAndInvalidate_AtTheSameTime_TheNewestVersionRemains(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);

        await Parallel.ForEachAsync(
            Enumerable.Range(1, 300),
            Token,
            async (version, token) =>
            {
                if (version % 3 == 0)
                    Assert.True(await client.Links.InvalidateAsync(new LinkVersion("abcd", new(0, version)), token));
                else
                    await client.Links.StoreAsync("abcd", NewTarget(version), token);
            }
        );

        Assert.Equal(new SharedLookup(null, new(0, 300)), await client.Links.FindAsync("abcd", Token));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Invalidate_OlderState_IsGoneAndMayNotComeBack(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);
        await client.Links.StoreAsync("abcd", NewTarget(1), Token);

        Assert.True(await client.Links.InvalidateAsync(new LinkVersion("abcd", new(0, 2)), Token));
        Assert.Equal(new SharedLookup(null, new(0, 2)), await client.Links.FindAsync("abcd", Token));

        // Somebody read it from a replica that lags.
        await client.Links.StoreAsync("abcd", NewTarget(1), Token);
        Assert.Equal(new SharedLookup(null, new(0, 2)), await client.Links.FindAsync("abcd", Token));

        await client.Links.StoreAsync("abcd", NewTarget(2), Token);
        Assert.Equal(new SharedLookup(NewTarget(2), new(0, 2)), await client.Links.FindAsync("abcd", Token));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Invalidate_NothingHeld_LeavesAMarker(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);

        Assert.True(await client.Links.VoidAsync(new LinkVersion("abcd", new(0, 3)), Token));

        Assert.Equal(new SharedLookup(null, new(0, 3)), await client.Links.FindAsync("abcd", Token));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Invalidate_SameOrNewerStateHeld_LeavesIt(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);
        await client.Links.StoreAsync("abcd", NewTarget(5), Token);

        Assert.True(await client.Links.InvalidateAsync(new LinkVersion("abcd", new(0, 5)), Token));
        Assert.True(await client.Links.InvalidateAsync(new LinkVersion("abcd", new(0, 4)), Token));

        Assert.Equal(new SharedLookup(NewTarget(5), new(0, 5)), await client.Links.FindAsync("abcd", Token));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Store_AnyLink_EndsWithinItsTime(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);
        for (var i = 0; i < 40; i++)
            await client.Links.StoreAsync($"code{i}", NewTarget(1), Token);

        var ttls = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => client.Database.KeyTimeToLiveAsync(KeyOf(client, $"code{i}"))));

        Assert.All(ttls, ttl => Assert.InRange(ttl!.Value, TimeSpan.FromMinutes(53), TimeSpan.FromMinutes(60)));
        Assert.True(ttls.Distinct().Count() > 20);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Invalidate_Marker_EndsWithinItsTime(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);
        await client.Links.StoreAsync("abcd", NewTarget(1), Token);
        await client.Links.InvalidateAsync(new LinkVersion("abcd", new(0, 2)), Token);

        Assert.InRange((await client.Database.KeyTimeToLiveAsync(KeyOf(client, "abcd")))!.Value, TimeSpan.FromMinutes(4), TimeSpan.FromMinutes(5));
    }

    [Fact]
    public async Task Store_LinkTtlBelowTheMarkers_GuardsAsLongAsTheMarker()
    {
        var options = RedisClient.NewOptions();
        options.LinkTtl = TimeSpan.FromSeconds(1);
        await using var client = await RedisClient.ConnectAsync(servers, RedisKind.Standalone, options);
        await client.Links.InvalidateAsync(new LinkVersion("abcd", new(0, 2)), Token);

        await client.Links.StoreAsync("abcd", NewTarget(2), Token);

        Assert.True(await client.Database.KeyTimeToLiveAsync(KeyOf(client, "abcd")) > TimeSpan.FromMinutes(4));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Find_ForeignValue_CountsAsNothingAndIsReplaced(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);
        await client.Database.StringSetAsync(KeyOf(client, "text"), "not ours");
        await client.Database.ListLeftPushAsync(KeyOf(client, "list"), "not ours");

        foreach (var code in (string[])["text", "list"])
        {
            Assert.Equal(default, await client.Links.FindAsync(code, Token));
            await client.Links.StoreAsync(code, NewTarget(1), Token);
            Assert.Equal(1, (await client.Links.FindAsync(code, Token)).AtLeast.Number);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Epoch_Newer_WinsWhateverTheNumbers(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);
        await client.Links.StoreAsync("abcd", NewTarget(int.MaxValue, 3), Token);

        await client.Links.StoreAsync("abcd", NewTarget(2, 4), Token);
        Assert.Equal(new SharedLookup(NewTarget(2, 4), new(4, 2)), await client.Links.FindAsync("abcd", Token));

        // What a process of the lost time still says.
        await client.Links.StoreAsync("abcd", NewTarget(int.MaxValue, 3), Token);
        Assert.True(await client.Links.VoidAsync(new LinkVersion("abcd", new(3, int.MaxValue)), Token));
        Assert.Equal(new SharedLookup(NewTarget(2, 4), new(4, 2)), await client.Links.FindAsync("abcd", Token));

        Assert.True(await client.Links.VoidAsync(new LinkVersion("abcd", new(int.MaxValue, 1)), Token));
        Assert.Equal(new SharedLookup(null, new(int.MaxValue, 1)), await client.Links.FindAsync("abcd", Token));
        await client.Links.StoreAsync("abcd", NewTarget(int.MaxValue, int.MaxValue - 1), Token);
        Assert.Equal(new SharedLookup(null, new(int.MaxValue, 1)), await client.Links.FindAsync("abcd", Token));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Find_ValuesOfTheReleaseBefore_CountAsEpochZero(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);
        await client.Database.StringSetAsync(KeyOf(client, "state"), """7|{"u":"https://example.com/7","t":302,"a":true}""");
        await client.Database.StringSetAsync(KeyOf(client, "marker"), "7|");

        Assert.Equal(new SharedLookup(NewTarget(7), new(0, 7)), await client.Links.FindAsync("state", Token));
        Assert.Equal(new SharedLookup(null, new(0, 7)), await client.Links.FindAsync("marker", Token));
        foreach (var code in (string[])["state", "marker"])
        {
            await client.Links.StoreAsync(code, NewTarget(6), Token);
            Assert.Equal(7, (await client.Links.FindAsync(code, Token)).AtLeast.Number);
            await client.Links.StoreAsync(code, NewTarget(1, 1), Token);
            Assert.Equal(new SharedLookup(NewTarget(1, 1), new(1, 1)), await client.Links.FindAsync(code, Token));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Calls_ServersForgotTheScripts_GoOn(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);
        for (var version = 1; version <= 10; version++)
        {
            if (kind == RedisKind.Cluster)
                await servers.Cluster.FlushScriptsAsync(Token);
            else
                await servers.Standalone.Node.FlushScriptsAsync(Token);
            await client.Links.StoreAsync("abcd", NewTarget(version), Token);
            Assert.Equal(version, (await client.Links.FindAsync("abcd", Token)).Target!.Version.Number);
            Assert.NotNull(await client.Buckets.TakeAsync("user:1", 100, Token));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Listen_OtherProcessInvalidates_IsTold(RedisKind kind)
    {
        var options = RedisClient.NewOptions();
        await using var here = await RedisClient.ConnectAsync(servers, kind, options);
        await using var there = await RedisClient.ConnectAsync(servers, kind, options);
        var heard = new ConcurrentQueue<LinkVersion>();
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var listening = here.Links.ListenAsync(heard.Enqueue, stopping.Token);
        await WaitUntilHeardAsync(there, heard);

        for (var i = 1; i <= 30; i++)
            Assert.True(await there.Links.InvalidateAsync(new LinkVersion($"code{i}", new(0, i)), Token));
        await there.Links.VoidAsync(new LinkVersion("quiet", new(0, 1)), Token);
        await there.Database.PublishAsync(RedisChannel.Literal($"{options.KeyPrefix}:changes"), "nonsense");
        Assert.True(await there.Links.InvalidateAsync(new LinkVersion("last", new(0, 1)), Token));

        await Eventually.HoldsAsync(() => heard.Contains(new LinkVersion("last", new(0, 1))));
        await Eventually.HoldsAsync(() => Enumerable.Range(1, 30).All(i => heard.Contains(new LinkVersion($"code{i}", new(0, i)))));
        Assert.DoesNotContain(heard, change => change.ShortCode == "quiet");
        await stopping.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => listening);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Find_CallerLeaves_IsCancelled(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);
        using var left = new CancellationTokenSource();
        await left.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.Links.FindAsync("abcd", left.Token).AsTask());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.Links.InvalidateAsync(new LinkVersion("abcd", new(0, 1)), left.Token).AsTask());
    }

    private static string KeyOf(RedisClient client, string code) => $"{client.Options.KeyPrefix}:link:{code}";

    private static LinkTarget NewTarget(int number, int epoch = 0) =>
        new($"https://example.com/{number}", null, 302, IsActive: true, new StateVersion(epoch, number));

    // A subscription takes a moment to be there.
    private static Task WaitUntilHeardAsync(RedisClient there, ConcurrentQueue<LinkVersion> heard)
    {
        var version = 0;
        return Eventually.HoldsAsync(
            async () =>
            {
                if (!heard.IsEmpty)
                    return true;
                await there.Links.InvalidateAsync(new LinkVersion("first", new(0, ++version)), Token);
                return false;
            },
            "the subscription is there"
        );
    }
}
