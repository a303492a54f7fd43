using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Users;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage;

/// <summary>The sum of what a user stores is, after every step, what a count of everything gives.</summary>
public abstract class StoredBytesContract : StoreContract
{
    private static readonly string[] Paths = ["", "a", "ä", "日本語", "😀", new('x', 1_900)];
    private static readonly string[] Metadata =
    [
        "{}",
        """{"campaign":"spring"}""",
        """{"ä":"😀"}""",
        """{"n":1e131071}""",
        $$"""{"text":"{{new string('y', 4_000)}}"}""",
    ];

    /// <summary>Housekeeping of the store, which must change no sum.</summary>
    private protected virtual Task FoldAsync() => Task.CompletedTask;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Sum_RandomCreatesChangesAndDeletions_IsWhatARecountGives(int seed)
    {
        var random = new Dice(seed);
        var (owner, other) = (await NewUserAsync(), await NewUserAsync());
        // Another user's, which no step may touch.
        var theirs = await CreateOneAsync(other.Id, NewLink(target: "https://example.com/theirs"));
        var codes = new List<string>();
        var replies = new Dictionary<string, (Idempotency Idempotency, StoredReply Reply)>();

        for (var step = 0; step < 60; step++)
        {
            switch (random.Next(10))
            {
                case <= 3:
                    // Aliases that are taken store nothing, and a key that comes again replays.
                    var links = Enumerable
                        .Range(0, 1 + random.Next(4))
                        .Select(_ => RandomLink(random, random.Next(3) == 0 && codes.Count > 0 ? Pick(random, codes) : null))
                        .ToArray();
                    var retry =
                        random.Next(2) == 0 ? null
                        : random.Next(3) == 0 && replies.Count > 0 ? Pick(random, [.. replies.Values]).Idempotency
                        : NewIdempotency(random, Now.AddDays(1));
                    await CreateAsync(owner.Id, links, retry, codes, replies);
                    break;
                case <= 6 when codes.Count > 0:
                    var change = new LinkChange
                    {
                        OriginalUrl = random.Next(2) == 0 ? null : Target(random),
                        Metadata = random.Next(2) == 0 ? null : Pick(random, Metadata),
                        IsActive = random.Next(2) == 0,
                    };
                    Assert.Equal(LinkChangeOutcome.Done, (await Links.UpdateAsync(Pick(random, codes), owner.Id, change, Token)).Outcome);
                    Assert.Equal(LinkChangeOutcome.NotOwner, (await Links.UpdateAsync(theirs.ShortCode, owner.Id, change, Token)).Outcome);
                    break;
                case <= 8 when codes.Count > 0:
                    var code = Pick(random, codes);
                    Assert.Equal(LinkChangeOutcome.Done, (await Links.DeleteAsync(code, owner.Id, Token)).Outcome);
                    Assert.Equal(LinkChangeOutcome.NotFound, (await Links.DeleteAsync(code, owner.Id, Token)).Outcome);
                    Assert.Equal(LinkChangeOutcome.NotOwner, (await Links.DeleteAsync(theirs.ShortCode, owner.Id, Token)).Outcome);
                    codes.Remove(code);
                    break;
                default:
                    await FoldAsync();
                    break;
            }

            Assert.Equal(await RecountAsync(owner.Id) + replies.Values.Sum(entry => StoredSize.Of(entry.Reply)), await ReadSumAsync(owner));
        }

        Assert.Equal(StoredSize.Of(theirs), await ReadSumAsync(other));
        Assert.Equal(await ReadSumAsync(owner), Assert.Single(await Stores.Users.ListAsync(Token), user => user.Id == owner.Id).Storage.Bytes);
        while (await Links.DeleteOfUserAsync(owner.Id, 7, Token) > 0)
            await FoldAsync();
        Assert.Equal(replies.Values.Sum(entry => StoredSize.Of(entry.Reply)), await ReadSumAsync(owner));
        while (await Links.DeleteIdempotencyKeysOfUserAsync(owner.Id, 7, Token) > 0)
            await FoldAsync();
        Assert.Equal(0, await ReadSumAsync(owner));
    }

    [Fact]
    public async Task Sum_AnswersThatEnd_AreReplacedAndForgotten()
    {
        var owner = await NewUserAsync();
        var random = new Dice(1);
        var ended = NewIdempotency(random, Now.AddMinutes(1));
        var replies = new Dictionary<string, (Idempotency Idempotency, StoredReply Reply)>();
        await CreateAsync(owner.Id, [NewLink()], ended, [], replies);

        // The same key after its end: the new answer takes the place of the old one.
        var again = ended with
        {
            ExpiresAt = Now.AddMinutes(3),
            BuildReply = _ => new StoredReply(201, "/somewhere", new byte[5_000]),
        };
        var result = await Links.CreateAsync(new CreateLinks([NewLink()], owner.Id, Now.AddMinutes(2), NewKey, again), Token);
        var reply = Assert.IsType<CreateLinksResult.Created>(result).Reply!;
        Assert.Equal(await RecountAsync(owner.Id) + StoredSize.Of(reply), await ReadSumAsync(owner));

        await Links.DeleteExpiredIdempotencyKeysAsync(Now.AddMinutes(3), Token);
        Assert.Equal(await RecountAsync(owner.Id), await ReadSumAsync(owner));
    }

    [Fact]
    public async Task Sum_ManyCreatesAtOnce_MissesNone()
    {
        var owner = await NewUserAsync();

        await Task.WhenAll(
            Enumerable
                .Range(0, 200)
                .Select(i =>
                    Task.Run(
                        async () =>
                        {
                            var link = await CreateOneAsync(owner.Id, NewLink(target: $"https://example.com/{new string('x', i)}"));
                            if (i % 3 == 0)
                                await Links.DeleteAsync(link.ShortCode, owner.Id, Token);
                            if (i % 50 == 0)
                                await FoldAsync();
                        },
                        Token
                    )
                )
        );

        Assert.Equal(await RecountAsync(owner.Id), await ReadSumAsync(owner));
    }

    [Fact]
    public async Task Quota_SetAndTakenBack_IsTheUsersOwnOrNone()
    {
        var email = NewEmail();
        var user = (await Stores.Users.CreateAsync(email, Tier.Free, 100, quota: 5_000, NewHash(), Now, Token))!;
        Assert.Equal(new StorageUsage(0, 5_000), user.Storage);

        Assert.True(await Stores.Users.SetQuotaAsync(email, 0, Token));
        Assert.Equal(new StorageUsage(0, 0), await Stores.Users.ReadStorageAsync(user.Id, Token));
        Assert.True(await Stores.Users.SetQuotaAsync(email, null, Token));
        Assert.Equal(new StorageUsage(0, null), await Stores.Users.ReadStorageAsync(user.Id, Token));

        Assert.False(await Stores.Users.SetQuotaAsync(NewEmail(), 1, Token));
        await Stores.Users.BeginDeletionAsync(user.Id, Now, Token);
        Assert.False(await Stores.Users.SetQuotaAsync(email, 1, Token));
        Assert.Equal(default, await Stores.Users.ReadStorageAsync(long.MaxValue, Token));
    }

    private protected async Task<long> ReadSumAsync(User user) => (await Stores.Users.ReadStorageAsync(user.Id, Token)).Bytes;

    private async Task CreateAsync(
        long owner,
        NewLink[] links,
        Idempotency? retry,
        List<string> codes,
        Dictionary<string, (Idempotency Idempotency, StoredReply Reply)> replies
    )
    {
        var result = await Links.CreateAsync(new CreateLinks(links, owner, Now, NewKey, retry), Token);
        if (result is not CreateLinksResult.Created created)
            return;
        codes.AddRange(created.Links.OfType<Link>().Select(link => link.ShortCode));
        if (created.Reply is { } reply)
            replies[retry!.Key] = (retry, reply);
    }

    private protected async Task<long> RecountAsync(long userId)
    {
        var (sum, page) = (0L, new LinkPage([], null));
        do
        {
            page = await Links.ListAsync(new LinkQuery(userId, 100, page.Next), Token);
            sum += page.Links.Sum(StoredSize.Of);
        } while (page.Next is not null);
        return sum;
    }

    private static Idempotency NewIdempotency(Dice random, DateTimeOffset end)
    {
        var body = new byte[random.Next(3_000)];
        return new Idempotency(NewHash(), "hash", end, links => new StoredReply(201, links.Count == 1 ? "/api/v1/urls/ä" : null, body));
    }

    private static NewLink RandomLink(Dice random, string? alias) => NewLink(alias, Target(random), Pick(random, Metadata));

    private static string Target(Dice random) => $"https://example.com/{Pick(random, Paths)}";

    private static T Pick<T>(Dice random, IReadOnlyList<T> values) => values[random.Next(values.Count)];

    // The same numbers for the same seed, so that a failure can be repeated (splitmix64).
    private sealed class Dice(int seed)
    {
        private ulong _state = (ulong)seed;

        public int Next(int end)
        {
            var value = _state += 0x9E3779B97F4A7C15;
            value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
            value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
            return (int)((value ^ (value >> 31)) % (ulong)end);
        }
    }
}
