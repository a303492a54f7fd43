using FsCheck;
using FsCheck.Fluent;
using StackExchange.Redis;
using UrlShortener.Runtime.RateLimiting;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Redis;

[Collection(RedisTestGroup.Name)]
public sealed class RedisBucketsTests(RedisServers servers)
{
    // A limit, parts that the bucket holds and how long ago, the future included.
    private static readonly Gen<(int Limit, long Parts, long Elapsed)> States =
        from limit in Gen.OneOf(Gen.Elements(1, 2, 7, 59, 60, 61, 999_999, 1_000_000), Gen.Choose(1, 1_000), Gen.Choose(1, 1_000_000))
        from parts in Gen.OneOf(Gen.Constant(0L), Gen.Choose(0, 200_000).Select(few => (long)few), Gen.Choose(0, 1_000_000).Select(many => many * 60_000L))
        from elapsed in Gen.OneOf(Gen.Choose(0, 5), Gen.Choose(0, 2_000), Gen.Choose(0, 70_000), Gen.Choose(-10_000, 0))
        select (limit, parts, (long)elapsed);

    public static TheoryData<RedisKind> Kinds => [RedisKind.Standalone, RedisKind.Cluster];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Take_FullBucket_GivesTheLimitAndThenNone(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);

        // One token a minute each: none comes back while the test runs.
        for (var caller = 0; caller < 20; caller++)
        {
            var first = (await client.Buckets.TakeAsync($"user:{caller}", 1, Token))!.Value;
            Assert.Equal(new RateLimitDecision(true, 1, 0, 0, 60), first);
            var second = (await client.Buckets.TakeAsync($"user:{caller}", 1, Token))!.Value;
            Assert.Equal((false, 1, 0), (second.Allowed, second.Limit, second.Remaining));
            Assert.InRange(second.RetryAfter, 50, 60);
            Assert.Equal(second.RetryAfter, second.Reset);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Take_ManyProcessesAtOnce_GiveTheLimitTogether(RedisKind kind)
    {
        var options = RedisClient.NewOptions();
        await using var here = await RedisClient.ConnectAsync(servers, kind, options);
        await using var there = await RedisClient.ConnectAsync(servers, kind, options);
        const int limit = 60;
        var begin = TimeProvider.System.GetTimestamp();

        var decisions = await Task.WhenAll(
            Enumerable.Range(0, 300).Select(i => (i % 2 == 0 ? here : there).Buckets.TakeAsync("address:2001:db8::/64", limit, Token).AsTask())
        );

        // One a second comes back.
        var refilled = (int)TimeProvider.System.GetElapsedTime(begin).TotalSeconds + 1;
        Assert.InRange(decisions.Count(decision => decision!.Value.Allowed), limit, limit + refilled);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Take_AnyState_AnswersAsTheBucketInMemory(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);
        var key = $"{client.Options.KeyPrefix}:rate:user:1";
        foreach (var (limit, parts, elapsed) in States.Sample(400))
        {
            var before = await NowAsync(client, key);
            var bucket = new TokenBucket(Math.Min(parts, limit * TokenBucket.PartsPerToken), before - elapsed);
            await client.Database.HashSetAsync(key, [new("parts", bucket.Parts), new("at", bucket.At)]);

            var shared = (await client.Buckets.TakeAsync("user:1", limit, Token))!.Value;

            // The servers' clock went on meanwhile: by a millisecond or two, most often by none.
            var (_, least) = bucket.Take(limit, before);
            var (next, most) = bucket.Take(limit, await NowAsync(client, key));
            Assert.True(shared.Allowed == least.Allowed || shared.Allowed == most.Allowed);
            if (least.Allowed != most.Allowed)
                continue;
            Assert.InRange(shared.Remaining, least.Remaining, most.Remaining);
            Assert.InRange(shared.RetryAfter, most.RetryAfter, least.RetryAfter);
            Assert.InRange(shared.Reset, most.Reset, least.Reset);
            Assert.InRange((long)await client.Database.HashGetAsync(key, "parts"), 0, next.Parts);
            Assert.InRange((long)await client.Database.HashGetAsync(key, "at"), Math.Max(before, bucket.At), next.At);
        }
    }

    [Theory]
    [InlineData(1, 60)]
    [InlineData(7, 9)]
    [InlineData(59, 2)]
    [InlineData(61, 1)]
    [InlineData(1_000_000, 1)]
    public async Task Take_StatePlacedByHand_RefillsAndTellsTheTruth(int limit, int expected)
    {
        await using var client = await RedisClient.ConnectAsync(servers, RedisKind.Standalone);
        var key = $"{client.Options.KeyPrefix}:rate:user:1";
        var now = await NowAsync(client);
        // Empty, and by a clock that is ahead, so that nothing comes in while the test looks.
        await client.Database.HashSetAsync(key, [new("parts", 0), new("at", now + 10_000)]);

        var refused = (await client.Buckets.TakeAsync("user:1", limit, Token))!.Value;

        Assert.Equal(new RateLimitDecision(false, limit, 0, expected, 60), refused);
        Assert.Equal(now + 10_000, (long)await client.Database.HashGetAsync(key, "at"));

        // As if the caller had waited as long as it was told, and no longer.
        await client.Database.HashSetAsync(key, [new("parts", 0), new("at", await NowAsync(client) - (expected * 1_000L))]);
        Assert.True((await client.Buckets.TakeAsync("user:1", limit, Token))!.Value.Allowed);

        // However long it is ago, there is no more than a full bucket.
        await client.Database.HashSetAsync(key, [new("parts", 0), new("at", 0)]);
        Assert.Equal(limit - 1, (await client.Buckets.TakeAsync("user:1", limit, Token))!.Value.Remaining);

        // A lower limit holds at once.
        await client.Database.HashSetAsync(key, [new("parts", limit * TokenBucket.PartsPerToken), new("at", await NowAsync(client))]);
        Assert.Equal(0, (await client.Buckets.TakeAsync("user:1", 1, Token))!.Value.Remaining);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Take_AnyCaller_IsForgottenWhenItsBucketIsFull(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);
        await client.Buckets.TakeAsync("user:1", 100, Token);

        var left = await client.Database.KeyTimeToLiveAsync($"{client.Options.KeyPrefix}:rate:user:1");
        Assert.InRange(left!.Value, TimeSpan.FromSeconds(50), TimeSpan.FromSeconds(60));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Take_ForeignValue_CallerFallsBack(RedisKind kind)
    {
        await using var client = await RedisClient.ConnectAsync(servers, kind);
        await client.Database.StringSetAsync($"{client.Options.KeyPrefix}:rate:user:1", "not ours");

        for (var i = 0; i < 20; i++)
            Assert.Null(await client.Buckets.TakeAsync("user:1", 100, Token));

        // It speaks against the key, not against the server.
        Assert.True(client.Links.IsAvailable);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Processes_ComeAndGo_AreCounted(RedisKind kind)
    {
        var options = RedisClient.NewOptions();
        await using var first = await RedisClient.ConnectAsync(servers, kind, options);
        await using var second = await RedisClient.ConnectAsync(servers, kind, options);
        Assert.Equal(1, first.Buckets.Processes);

        await first.Census.CountAsync(Token);
        await second.Census.CountAsync(Token);
        await first.Census.CountAsync(Token);
        Assert.Equal((2, 2), (first.Buckets.Processes, second.Buckets.Processes));

        await second.Census.StopAsync(Token);
        await first.Census.CountAsync(Token);
        Assert.Equal(1, first.Buckets.Processes);
    }

    [Fact]
    public async Task Processes_OneFallsSilent_IsCountedNoLonger()
    {
        await using var client = await RedisClient.ConnectAsync(servers, RedisKind.Standalone);
        var now = await NowAsync(client);
        await client.Database.SortedSetAddAsync($"{client.Options.KeyPrefix}:processes", [new("silent", now - 15_001), new("late", now - 9_000)]);

        await client.Census.CountAsync(Token);

        Assert.Equal(2, client.Buckets.Processes);
    }

    [Fact]
    public async Task Census_Running_Announces()
    {
        var options = RedisClient.NewOptions();
        await using var client = await RedisClient.ConnectAsync(servers, RedisKind.Standalone, options);
        await client.Census.StartAsync(Token);
        await using var other = await RedisClient.ConnectAsync(servers, RedisKind.Standalone, options);

        await Eventually.HoldsAsync(() => client.Database.KeyExists($"{options.KeyPrefix}:processes"));
        await other.Census.CountAsync(Token);
        Assert.Equal(2, other.Buckets.Processes);
        await client.Census.StopAsync(Token);
    }

    // By the clock that the script goes by; all servers here have the same.
    private static async Task<long> NowAsync(RedisClient client, string key = "any") =>
        new DateTimeOffset(await client.Connection.Multiplexer!.GetServer((RedisKey)key).TimeAsync()).ToUnixTimeMilliseconds();
}
