using System.Text;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage;

/// <summary>What every <see cref="ILinkStore"/> does.</summary>
public abstract class LinkStoreContract : StoreContract
{
    [Fact]
    public async Task Create_NewLink_ReturnsWhatFindReturns()
    {
        var user = await NewUserAsync();
        var expiry = Now.AddDays(3).AddMilliseconds(7);

        var created = await CreateOneAsync(user.Id, new NewLink(null, "https://example.com/a?b=c#d", expiry, 308, """{"campaign":"spring"}"""));

        var expected = new Link(
            created.ShortCode,
            "https://example.com/a?b=c#d",
            user.Id,
            Now,
            expiry,
            0,
            null,
            IsActive: true,
            308,
            """{"campaign":"spring"}"""
        );
        Assert.Equal(expected, created);
        Assert.Equal(expected, await Links.FindAsync(created.ShortCode, Token));
    }

    [Fact]
    public async Task Create_Anonymous_HasNoOwnerAndNoExpiry()
    {
        var created = await CreateOneAsync();

        var found = await Links.FindAsync(created.ShortCode, Token);

        Assert.NotNull(found);
        Assert.Null(found.UserId);
        Assert.Null(found.ExpiresAt);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(999)]
    public async Task Create_AnyMillisecond_RoundTripsInUtc(int millisecond)
    {
        var at = Now.AddMilliseconds(millisecond - Now.Millisecond);
        var expiry = at.AddHours(1);

        var created = await CreateOneAsync(null, NewLink() with { ExpiresAt = expiry.ToOffset(TimeSpan.FromHours(5.75)) }, at);
        var found = await Links.FindAsync(created.ShortCode, Token);

        Assert.NotNull(found);
        Assert.Equal(at, found.CreatedAt);
        Assert.Equal(expiry, found.ExpiresAt);
        Assert.Equal(TimeSpan.Zero, found.CreatedAt.Offset);
        Assert.Equal(TimeSpan.Zero, found.ExpiresAt!.Value.Offset);
    }

    [Theory]
    [InlineData("https://example.com/ä/日本語?q=é", """{"emoji":"😀","n":"naïve"}""")]
    [InlineData("https://example.com/😀👩‍👩‍👧#'\"%_$1;--", """{"a":"'; DROP TABLE urls; --","b":"$1"}""")]
    [InlineData("https://example.com/%00%F0%9F%98%80", """{"nested":{"list":[1,2.5,true,null,"x"]}}""")]
    [InlineData("https://example.com/order", """{"z":1,"a":2,"10":3,"aa":{"y":[],"b":{}}}""")]
    [InlineData("https://example.com/spelling", """{"n":[1.50,1e3,-0,1E+2,1e400000,-1e-400000,1e131071],"\u0061\/b":"\u00e9\n\\"}""")]
    public async Task Create_UnicodeAndQuotes_RoundTrip(string target, string metadata)
    {
        var created = await CreateOneAsync(null, NewLink(target: target, metadata: metadata));

        var found = await Links.FindAsync(created.ShortCode, Token);

        Assert.NotNull(found);
        Assert.Equal(target, found.OriginalUrl);
        Assert.Equal(metadata, found.Metadata);
    }

    [Fact]
    public async Task Create_LongestTargetAndMetadata_RoundTrip()
    {
        var target = "https://example.com/" + new string('x', 7_148);
        var metadata = $$"""{"text":"{{new string('y', 65_000)}}"}""";

        var created = await CreateOneAsync(null, NewLink(target: target, metadata: metadata));
        var found = await Links.FindAsync(created.ShortCode, Token);

        Assert.Equal(target, found!.OriginalUrl);
        Assert.Equal(metadata, found.Metadata);
    }

    [Fact]
    public async Task Create_CodesDifferInCaseOnly_AreTwoLinks()
    {
        var stem = NewCode()[..6];
        var links = await CreateAsync(null, Now, NewLink(stem + "a", "https://example.com/lower"), NewLink(stem + "A", "https://example.com/upper"));

        Assert.All(links, Assert.NotNull);
        Assert.Equal("https://example.com/lower", (await Links.FindAsync(stem + "a", Token))!.OriginalUrl);
        Assert.Equal("https://example.com/upper", (await Links.FindAsync(stem + "A", Token))!.OriginalUrl);
    }

    [Fact]
    public async Task Create_AliasTaken_FailsAloneAndNeighboursAreStored()
    {
        var taken = await CreateOneAsync(null, NewLink(NewCode(), "https://example.com/first"));
        var (before, after) = (NewCode(), NewCode());

        var links = await CreateAsync(null, Now, NewLink(before), NewLink(taken.ShortCode, "https://example.com/second"), NewLink(), NewLink(after));

        Assert.Equal(4, links.Count);
        Assert.Equal(before, links[0]!.ShortCode);
        Assert.Null(links[1]);
        Assert.NotNull(links[2]);
        Assert.Equal(after, links[3]!.ShortCode);
        Assert.Equal("https://example.com/first", (await Links.FindAsync(taken.ShortCode, Token))!.OriginalUrl);
        foreach (var link in links.OfType<Link>())
            Assert.Equal(link, await Links.FindAsync(link.ShortCode, Token));
    }

    [Fact]
    public async Task Create_SameAliasTwiceInOneRequest_FirstWins()
    {
        var alias = NewCode();

        var links = await CreateAsync(null, Now, NewLink(alias, "https://example.com/1"), NewLink(alias, "https://example.com/2"));

        Assert.NotNull(links[0]);
        Assert.Null(links[1]);
        Assert.Equal("https://example.com/1", (await Links.FindAsync(alias, Token))!.OriginalUrl);
    }

    [Fact]
    public async Task Create_GeneratedKeyClaimed_AsksForAnother()
    {
        var claimed = (await CreateOneAsync()).ShortCode;
        var free = NewCode();
        var keys = new Queue<string>([claimed, claimed, free]);

        var result = await Links.CreateAsync(new CreateLinks([NewLink()], null, Now, () => Key.OnDemand(keys.Dequeue())), Token);

        Assert.Equal(free, Assert.Single(Assert.IsType<CreateLinksResult.Created>(result).Links)!.ShortCode);
        Assert.Empty(keys);
    }

    [Fact]
    public async Task Create_GeneratedKeyRepeatedInOneRequest_GivesDistinctCodes()
    {
        var (first, second) = (NewCode(), NewCode());
        var keys = new Queue<string>([first, first, second]);

        var result = await Links.CreateAsync(new CreateLinks([NewLink(), NewLink()], null, Now, () => Key.OnDemand(keys.Dequeue())), Token);

        Assert.Equal([first, second], Assert.IsType<CreateLinksResult.Created>(result).Links.Select(link => link!.ShortCode));
    }

    [Fact]
    public async Task Create_AliasIsAPooledKey_ClaimsItForGood()
    {
        var pooled = NewCode();
        await Stores.Keys.AddAsync([pooled], Token);
        await CreateOneAsync(null, NewLink(pooled, "https://example.com/alias"));
        var next = NewCode();
        var keys = new Queue<string>([pooled, next]);

        // The pool still holds the key in memory and hands it out.
        var result = await Links.CreateAsync(new CreateLinks([NewLink()], null, Now, () => Key.OnDemand(keys.Dequeue())), Token);

        Assert.Equal(next, Assert.Single(Assert.IsType<CreateLinksResult.Created>(result).Links)!.ShortCode);
        Assert.Equal("https://example.com/alias", (await Links.FindAsync(pooled, Token))!.OriginalUrl);
    }

    [Fact]
    public async Task Create_OneAliasManyTimesAtOnce_ExactlyOneWins()
    {
        var alias = NewCode();

        var results = await Task.WhenAll(
            Enumerable.Range(0, 50).Select(i => Task.Run(() => CreateAsync(null, Now, NewLink(alias, $"https://example.com/{i}")), Token))
        );

        var winner = Assert.Single(results.SelectMany(links => links).OfType<Link>());
        Assert.Equal(winner, await Links.FindAsync(alias, Token));
    }

    [Fact]
    public async Task Create_CodeOfADeletedLink_IsNeverClaimableAgain()
    {
        var user = await NewUserAsync();
        var alias = NewCode();
        await CreateOneAsync(user.Id, NewLink(alias));
        await Links.DeleteAsync(alias, user.Id, Token);
        var keys = new Queue<string>([alias, NewCode()]);

        Assert.Null(Assert.Single(await CreateAsync(user.Id, Now, NewLink(alias))));
        var result = await Links.CreateAsync(new CreateLinks([NewLink()], null, Now, () => Key.OnDemand(keys.Dequeue())), Token);

        Assert.NotEqual(alias, Assert.Single(Assert.IsType<CreateLinksResult.Created>(result).Links)!.ShortCode);
        Assert.Null(await Links.FindAsync(alias, Token));
    }

    [Fact]
    public async Task Create_Cancelled_ThrowsAndStoresNothing()
    {
        var alias = NewCode();
        using var cancellation = new CancellationTokenSource();
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            Links.CreateAsync(new CreateLinks([NewLink(alias)], null, Now, NewKey), cancellation.Token)
        );

        Assert.Null(await Links.FindAsync(alias, Token));
        Assert.NotNull(await CreateOneAsync(null, NewLink(alias)));
    }

    [Fact]
    public async Task Create_ByUser_CountsStoredLinksOnly()
    {
        var user = await NewUserAsync();
        var taken = (await CreateOneAsync()).ShortCode;
        await CreateAsync(user.Id, Now, NewLink(), NewLink(taken), NewLink());
        await CreateAsync(user.Id, Now, NewLink(taken));
        var last = await CreateOneAsync(user.Id);
        await Links.DeleteAsync(last.ShortCode, user.Id, Token);

        // A deleted link was created all the same.
        Assert.Equal(3, (await Stores.Users.FindByEmailAsync(user.Email, Token))!.UrlsCreated);
    }

    [Fact]
    public async Task Find_UnknownCode_IsNull() => Assert.Null(await Links.FindAsync(NewCode(), Token));

    [Theory]
    [InlineData("")]
    [InlineData("%")]
    [InlineData("_______")]
    [InlineData("' OR 1=1 --")]
    [InlineData("😀😀")]
    public async Task Find_TextThatIsNoCode_IsNull(string code)
    {
        await CreateOneAsync();
        Assert.Null(await Links.FindAsync(code, Token));
    }

    [Fact]
    public async Task Update_EachFieldAlone_LeavesTheOthers()
    {
        var user = await NewUserAsync();
        var link = await CreateOneAsync(user.Id, new NewLink(null, "https://example.com/1", Now.AddDays(1), 302, """{"a":"b"}"""));
        var expiry = Now.AddDays(9);

        link = await ChangeAsync(link with { OriginalUrl = "https://example.com/2" }, new LinkChange { OriginalUrl = "https://example.com/2" });
        link = await ChangeAsync(link with { ExpiresAt = expiry }, new LinkChange { ExpiresAt = expiry, SetsExpiry = true });
        link = await ChangeAsync(link with { IsActive = false }, new LinkChange { IsActive = false });
        link = await ChangeAsync(link with { RedirectType = 301 }, new LinkChange { RedirectType = 301 });
        link = await ChangeAsync(link with { Metadata = """{"c":"d"}""" }, new LinkChange { Metadata = """{"c":"d"}""" });
        link = await ChangeAsync(link with { IsActive = true }, new LinkChange { IsActive = true });
        link = await ChangeAsync(link with { ExpiresAt = null }, new LinkChange { SetsExpiry = true });
        // Without SetsExpiry the time is not part of the change.
        await ChangeAsync(link, new LinkChange { ExpiresAt = expiry });
    }

    [Fact]
    public async Task Update_AllFieldsTogether_ChangesAll()
    {
        var user = await NewUserAsync();
        var link = await CreateOneAsync(user.Id);
        var expiry = Now.AddDays(2).AddMilliseconds(3);

        await ChangeAsync(
            link with
            {
                OriginalUrl = "https://example.com/😀",
                ExpiresAt = expiry,
                IsActive = false,
                RedirectType = 307,
                Metadata = """{"k":"v"}""",
            },
            new LinkChange
            {
                OriginalUrl = "https://example.com/😀",
                ExpiresAt = expiry,
                SetsExpiry = true,
                IsActive = false,
                RedirectType = 307,
                Metadata = """{"k":"v"}""",
            }
        );
    }

    [Fact]
    public async Task Update_UnknownCode_IsNotFound()
    {
        var user = await NewUserAsync();

        var result = await Links.UpdateAsync(NewCode(), user.Id, new LinkChange { IsActive = false }, Token);

        Assert.Equal(new LinkChangeResult(LinkChangeOutcome.NotFound, null), result);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task UpdateAndDelete_NotTheOwner_ChangeNothing(bool isAnonymous)
    {
        var owner = await NewUserAsync();
        var stranger = await NewUserAsync();
        var link = await CreateOneAsync(isAnonymous ? null : owner.Id);

        foreach (var userId in new[] { stranger.Id, 0, -1 })
        {
            Assert.Equal(
                new LinkChangeResult(LinkChangeOutcome.NotOwner, null),
                await Links.UpdateAsync(link.ShortCode, userId, new LinkChange { OriginalUrl = "https://evil.example/" }, Token)
            );
            Assert.Equal(new LinkChangeResult(LinkChangeOutcome.NotOwner, null), await Links.DeleteAsync(link.ShortCode, userId, Token));
        }

        Assert.Equal(link, await Links.FindAsync(link.ShortCode, Token));
    }

    [Fact]
    public async Task Delete_Owner_ReturnsTheLastStateAndForgetsTheLink()
    {
        var user = await NewUserAsync();
        var link = await CreateOneAsync(user.Id);

        Assert.Equal(new LinkChangeResult(LinkChangeOutcome.Done, link), (await Links.DeleteAsync(link.ShortCode, user.Id, Token)) with { Version = default });

        Assert.Null(await Links.FindAsync(link.ShortCode, Token));
        Assert.Empty((await Links.ListAsync(new LinkQuery(user.Id, 10), Token)).Links);
        Assert.Equal(LinkChangeOutcome.NotFound, (await Links.DeleteAsync(link.ShortCode, user.Id, Token)).Outcome);
        Assert.Equal(LinkChangeOutcome.NotFound, (await Links.UpdateAsync(link.ShortCode, user.Id, new LinkChange { IsActive = true }, Token)).Outcome);
    }

    [Fact]
    public async Task Delete_ManyAtOnce_ExactlyOneIsDone()
    {
        var user = await NewUserAsync();
        var link = await CreateOneAsync(user.Id);

        var results = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Task.Run(() => Links.DeleteAsync(link.ShortCode, user.Id, Token), Token)));

        Assert.Single(results, result => result.Outcome == LinkChangeOutcome.Done);
    }

    [Fact]
    public async Task List_UserWithoutLinks_IsEmpty()
    {
        var user = await NewUserAsync();
        await CreateOneAsync();

        var page = await Links.ListAsync(new LinkQuery(user.Id, 10), Token);

        Assert.Empty(page.Links);
        Assert.Null(page.Next);
    }

    [Fact]
    public async Task List_ManyLinks_NewestFirstAndOwnOnly()
    {
        var user = await NewUserAsync();
        var stranger = await NewUserAsync();
        var middle = await CreateOneAsync(user.Id, at: Now.AddMinutes(-2));
        var newest = await CreateOneAsync(user.Id, at: Now.AddMinutes(-1));
        var oldest = await CreateOneAsync(user.Id, at: Now.AddMinutes(-3));
        await CreateOneAsync(stranger.Id);
        await CreateOneAsync();

        var page = await Links.ListAsync(new LinkQuery(user.Id, 10), Token);

        Assert.Equal([newest, middle, oldest], page.Links);
        Assert.Null(page.Next);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(10)]
    [InlineData(11)]
    public async Task List_EqualTimes_PagesHoldEachLinkOnce(int limit)
    {
        var user = await NewUserAsync();
        await CreateAsync(user.Id, Now.AddMinutes(-1), [.. Enumerable.Range(0, 4).Select(_ => NewLink())]);
        await CreateAsync(user.Id, Now, [.. Enumerable.Range(0, 6).Select(_ => NewLink())]);

        var seen = await ListAllAsync(new LinkQuery(user.Id, limit));

        Assert.Equal(10, seen.Count);
        Assert.Equal(10, seen.Select(link => link.ShortCode).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(seen.OrderByDescending(link => link.CreatedAt), seen);
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, true)]
    [InlineData(true, false)]
    public async Task List_OtherOrders_PagesHoldEachLinkOnceAndInOrder(bool isByEnd, bool isAscending)
    {
        var user = await NewUserAsync();
        var ends = new[] { Now.AddDays(3), Now.AddDays(1), (DateTimeOffset?)null, Now.AddDays(2), Now.AddDays(1), null, Now.AddDays(1) };
        foreach (var (index, end) in ends.Index())
            await CreateOneAsync(user.Id, NewLink() with { ExpiresAt = end }, Now.AddMinutes(index % 3));
        var order = new LinkOrder(isByEnd ? LinkSort.ExpiresAt : LinkSort.CreatedAt, isAscending);

        foreach (var limit in new[] { 1, 2, 3, 7, 8 })
        {
            var seen = await ListAllAsync(new LinkQuery(user.Id, limit) { Order = order });

            Assert.Equal(7, seen.Select(link => link.ShortCode).Distinct(StringComparer.Ordinal).Count());
            var times = seen.ConvertAll(link => isByEnd ? link.ExpiresAt ?? DateTimeOffset.MaxValue : link.CreatedAt);
            Assert.Equal(isAscending ? times.Order() : times.OrderDescending(), times);
        }
    }

    [Fact]
    public async Task List_Ranges_IncludeTheirStartAndNotTheirEnd()
    {
        var user = await NewUserAsync();
        var first = await CreateOneAsync(user.Id, NewLink() with { ExpiresAt = Now.AddDays(1) }, Now.AddMinutes(-3));
        var second = await CreateOneAsync(user.Id, NewLink() with { ExpiresAt = Now.AddDays(2) }, Now.AddMinutes(-2));
        var third = await CreateOneAsync(user.Id, null, Now.AddMinutes(-1));
        async Task<IReadOnlyList<string>> FindAsync(TimeBounds created, TimeBounds expires) =>
            await CodesAsync(new LinkQuery(user.Id, 10) { Created = created, Expires = expires });

        Assert.Equal([third.ShortCode, second.ShortCode], await FindAsync(new TimeBounds(second.CreatedAt, null), default));
        Assert.Equal([first.ShortCode], await FindAsync(new TimeBounds(null, second.CreatedAt), default));
        Assert.Equal([second.ShortCode], await FindAsync(new TimeBounds(first.CreatedAt.AddTicks(1), third.CreatedAt), default));
        Assert.Equal([second.ShortCode], await FindAsync(default, new TimeBounds(second.ExpiresAt, null)));
        Assert.Equal([first.ShortCode], await FindAsync(default, new TimeBounds(null, second.ExpiresAt)));
        Assert.Equal([second.ShortCode, first.ShortCode], await FindAsync(default, new TimeBounds(null, second.ExpiresAt!.Value.AddTicks(1))));
        Assert.Empty(await FindAsync(new TimeBounds(third.CreatedAt, null), new TimeBounds(Now, null)));
    }

    [Fact]
    public async Task List_Status_TellsWhatAVisitorMeets()
    {
        var user = await NewUserAsync();
        var end = Now.AddDays(1);
        var endless = await CreateOneAsync(user.Id, at: Now);
        var ending = await CreateOneAsync(user.Id, NewLink() with { ExpiresAt = end }, Now.AddSeconds(1));
        var off = await CreateOneAsync(user.Id, NewLink() with { ExpiresAt = end }, Now.AddSeconds(2));
        await Links.UpdateAsync(off.ShortCode, user.Id, new LinkChange { IsActive = false }, Token);
        async Task<IReadOnlyList<string>> FindAsync(LinkStatus status, DateTimeOffset now) =>
            await CodesAsync(new LinkQuery(user.Id, 10) { Status = status, Now = now });

        Assert.Equal([ending.ShortCode, endless.ShortCode], await FindAsync(LinkStatus.Active, end.AddMilliseconds(-1)));
        Assert.Empty(await FindAsync(LinkStatus.Expired, end.AddMilliseconds(-1)));
        Assert.Equal([endless.ShortCode], await FindAsync(LinkStatus.Active, end));
        Assert.Equal([ending.ShortCode], await FindAsync(LinkStatus.Expired, end));
        Assert.Equal([off.ShortCode], await FindAsync(LinkStatus.Inactive, end));
    }

    /// <summary>Every combination of filters is a statement of its own; a store must not keep them all.</summary>
    [Fact]
    public async Task List_EveryCombinationOfFilters_IsAnswered()
    {
        var user = await NewUserAsync();
        var link = await CreateOneAsync(user.Id, NewLink(metadata: """{"a":"b"}""") with { ExpiresAt = Now.AddDays(1) });
        foreach (var query in EveryCombinationOfFilters(user.Id, link.ShortCode))
            Assert.Equal(link.ShortCode, Assert.Single(await CodesAsync(query)));
    }

    /// <summary>Lists with each combination of filters. All of them find an active link with this code that ends tomorrow, whose target has "example" and
    /// whose metadata has "b" as "a".</summary>
    private protected static IEnumerable<LinkQuery> EveryCombinationOfFilters(long userId, string code)
    {
        for (var bits = 0; bits < 1_024; bits++)
        {
            bool Has(int bit) => (bits & (1 << bit)) != 0;
            yield return new LinkQuery(
                userId,
                10,
                null,
                Has(0) ? code : null,
                Has(1) ? "example" : null,
                Has(2) ? [KeyValuePair.Create("a", "b")] : null,
                Has(3) ? true : null
            )
            {
                Status = Has(4) ? LinkStatus.Active : null,
                Now = Now,
                Created = new TimeBounds(Has(5) ? Now.AddDays(-1) : null, Has(6) ? Now.AddDays(1) : null),
                Expires = new TimeBounds(Has(7) ? Now : null, Has(8) ? Now.AddDays(2) : null),
                Order = new LinkOrder(Has(9) ? LinkSort.ExpiresAt : LinkSort.CreatedAt, IsAscending: Has(8)),
            };
        }
    }

    [Fact]
    public async Task List_LinkCreatedAndDeletedBetweenPages_OthersStillComeOnce()
    {
        var user = await NewUserAsync();
        var links = await CreateAsync(user.Id, Now, [.. Enumerable.Range(0, 6).Select(_ => NewLink())]);
        var first = await Links.ListAsync(new LinkQuery(user.Id, 3), Token);

        // The link that the cursor stands on goes, and a newer one comes.
        await Links.DeleteAsync(first.Links[^1].ShortCode, user.Id, Token);
        await CreateOneAsync(user.Id, at: Now.AddMinutes(1));
        var second = await Links.ListAsync(new LinkQuery(user.Id, 3, first.Next), Token);

        Assert.Equal(
            links.Select(link => link!.ShortCode).Order(StringComparer.Ordinal),
            first.Links.Concat(second.Links).Select(link => link.ShortCode).Order(StringComparer.Ordinal)
        );
        Assert.Null(second.Next);
    }

    [Fact]
    public async Task List_CodePrefix_IsCaseSensitiveAndLiteral()
    {
        var user = await NewUserAsync();
        var stem = NewCode()[..5];
        foreach (var suffix in new[] { "aX1", "ax1", "a_1", "a-1", "bX1" })
            await CreateOneAsync(user.Id, NewLink(stem + suffix));

        Assert.Equal([stem + "aX1"], await CodesAsync(new LinkQuery(user.Id, 10, CodePrefix: stem + "aX")));
        Assert.Equal([stem + "a_1"], await CodesAsync(new LinkQuery(user.Id, 10, CodePrefix: stem + "a_")));
        Assert.Equal(4, (await CodesAsync(new LinkQuery(user.Id, 10, CodePrefix: stem + "a"))).Count);
        Assert.Equal([stem + "bX1"], await CodesAsync(new LinkQuery(user.Id, 10, CodePrefix: stem + "bX1")));
        foreach (var none in new[] { "%", "_", stem + "%", stem + "a%", stem + "?", stem + "[ab]", stem + "*", stem + "\\", stem + "aX1x", "😀" })
            Assert.Empty(await CodesAsync(new LinkQuery(user.Id, 10, CodePrefix: none)));
    }

    [Fact]
    public async Task List_Target_IsContainedLiterally()
    {
        var user = await NewUserAsync();
        var percent = await CreateOneAsync(user.Id, NewLink(target: "https://example.com/100%25-off"));
        var underscore = await CreateOneAsync(user.Id, NewLink(target: "https://example.com/snake_case"));
        var upper = await CreateOneAsync(user.Id, NewLink(target: "https://example.com/SnakeXCase"));
        var unicode = await CreateOneAsync(user.Id, NewLink(target: "https://example.com/日本語😀"));

        Assert.Equal([percent.ShortCode], await CodesAsync(new LinkQuery(user.Id, 10, Target: "100%25")));
        Assert.Equal([percent.ShortCode], await CodesAsync(new LinkQuery(user.Id, 10, Target: "%")));
        Assert.Equal([underscore.ShortCode], await CodesAsync(new LinkQuery(user.Id, 10, Target: "e_c")));
        Assert.Equal([upper.ShortCode], await CodesAsync(new LinkQuery(user.Id, 10, Target: "sNAKExcASE")));
        Assert.Equal([unicode.ShortCode], await CodesAsync(new LinkQuery(user.Id, 10, Target: "本語😀")));
        Assert.Equal(4, (await CodesAsync(new LinkQuery(user.Id, 10, Target: "EXAMPLE.com/"))).Count);
        Assert.Empty(await CodesAsync(new LinkQuery(user.Id, 10, Target: "100%off")));
        Assert.Empty(await CodesAsync(new LinkQuery(user.Id, 10, Target: "\\")));
    }

    [Fact]
    public async Task List_TargetWithAHost_FindsEverySpellingOfIt()
    {
        var user = await NewUserAsync();
        var codes = new List<string>();
        foreach (
            var host in new[] { "bücher.example.com", "BÜCHER.Example.com", "Bücher.example.com", "xn--bcher-kva.example.com", "XN--BCHER-KVA.example.com" }
        )
            codes.Add((await CreateOneAsync(user.Id, NewLink(target: $"https://{host}/Liste?q=ä"))).ShortCode);
        await CreateOneAsync(user.Id, NewLink(target: "https://bucher.example.com/"));
        await CreateOneAsync(user.Id, NewLink(target: "https://example.com/bücher"));

        foreach (
            var text in new[]
            {
                "https://bücher.example.com/",
                "BÜCHER.EXAMPLE.COM",
                "Bücher.example",
                "xn--bcher-kva.example.com/liste?q=ä",
                "https://XN--bcher-kva.",
            }
        )
            Assert.Equal(codes.Order(StringComparer.Ordinal), (await CodesAsync(new LinkQuery(user.Id, 10, Target: text))).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("""{"k":"spring"}""", "spring", true)]
    [InlineData("""{"k":"spring"}""", "Spring", false)]
    [InlineData("""{"k":"spring"}""", "sprin", false)]
    [InlineData("""{"k":"spring"}""", "%", false)]
    [InlineData("""{"k":"spring"}""", "\"spring\"", false)]
    [InlineData("""{"K":"spring"}""", "spring", false)]
    [InlineData("""{"k":"it's 😀"}""", "it's 😀", true)]
    [InlineData("""{"k":""}""", "", true)]
    [InlineData("""{"k":42}""", "42", true)]
    [InlineData("""{"k":42}""", "042", false)]
    [InlineData("""{"k":-7}""", "-7", true)]
    [InlineData("""{"k":2.5}""", "2.5", true)]
    [InlineData("""{"k":9007199254740993}""", "9007199254740993", true)]
    [InlineData("""{"k":1.50}""", "1.50", true)]
    [InlineData("""{"k":1.50}""", "1.5", false)]
    [InlineData("""{"k":1e2}""", "1e2", true)]
    [InlineData("""{"k":1e2}""", "100", false)]
    [InlineData("""{"k":1e400000}""", "1e400000", true)]
    [InlineData("""{"k":"\u00e9\/"}""", "é/", true)]
    [InlineData("""{"\u006b":"spring"}""", "spring", true)]
    [InlineData("""{"k":"42"}""", "42", true)]
    [InlineData("""{"k":true}""", "true", true)]
    [InlineData("""{"k":true}""", "1", false)]
    [InlineData("""{"k":false}""", "false", true)]
    [InlineData("""{"k":false}""", "0", false)]
    [InlineData("""{"k":"true"}""", "true", true)]
    [InlineData("""{"k":null}""", "", false)]
    [InlineData("""{"k":null}""", "null", false)]
    [InlineData("""{"k":{"k":"spring"}}""", "spring", false)]
    [InlineData("""{"k":["spring"]}""", "spring", false)]
    [InlineData("{}", "", false)]
    public async Task List_Metadata_ComparesScalarsAsText(string metadata, string value, bool isFound)
    {
        var user = await NewUserAsync();
        var link = await CreateOneAsync(user.Id, NewLink(metadata: metadata));

        var codes = await CodesAsync(new LinkQuery(user.Id, 10, Metadata: [KeyValuePair.Create("k", value)]));

        Assert.Equal(isFound ? [link.ShortCode] : [], codes);
    }

    [Theory]
    [InlineData("a.b")]
    [InlineData("a\"b")]
    [InlineData("$.k")]
    [InlineData("ключ 😀")]
    [InlineData("0")]
    public async Task List_MetadataName_IsTakenLiterally(string name)
    {
        var user = await NewUserAsync();
        var link = await CreateOneAsync(user.Id, NewLink(metadata: $$"""{{{System.Text.Json.JsonSerializer.Serialize(name)}}:"v","k":"w"}"""));

        Assert.Equal([link.ShortCode], await CodesAsync(new LinkQuery(user.Id, 10, Metadata: [KeyValuePair.Create(name, "v")])));
        Assert.Empty(await CodesAsync(new LinkQuery(user.Id, 10, Metadata: [KeyValuePair.Create(name, "w")])));
    }

    [Fact]
    public async Task List_SeveralFilters_AllApply()
    {
        var user = await NewUserAsync();
        var stem = NewCode()[..5];
        var match = await CreateOneAsync(user.Id, NewLink(stem + "1", "https://example.com/shoes", """{"a":"x","b":"y"}"""));
        await CreateOneAsync(user.Id, NewLink(stem + "2", "https://example.com/shoes", """{"a":"x","b":"z"}"""));
        await CreateOneAsync(user.Id, NewLink(stem + "3", "https://example.com/hats", """{"a":"x","b":"y"}"""));
        await CreateOneAsync(user.Id, NewLink(null, "https://example.com/shoes", """{"a":"x","b":"y"}"""));
        var inactive = await CreateOneAsync(user.Id, NewLink(stem + "4", "https://example.com/shoes", """{"a":"x","b":"y"}"""));
        await Links.UpdateAsync(inactive.ShortCode, user.Id, new LinkChange { IsActive = false }, Token);
        var query = new LinkQuery(user.Id, 10, null, stem, "SHOES", [KeyValuePair.Create("a", "x"), KeyValuePair.Create("b", "y")], IsActive: true);

        Assert.Equal([match.ShortCode], await CodesAsync(query));
        Assert.Equal([inactive.ShortCode], await CodesAsync(query with { IsActive = false }));
        Assert.Equal(2, (await CodesAsync(query with { IsActive = null })).Count);
    }

    [Fact]
    public async Task List_FilterAndPages_HoldEachMatchOnce()
    {
        var user = await NewUserAsync();
        await CreateAsync(
            user.Id,
            Now,
            [.. Enumerable.Range(0, 12).Select(i => NewLink(target: i % 2 == 0 ? "https://example.com/even" : "https://example.com/odd"))]
        );

        var seen = await ListAllAsync(new LinkQuery(user.Id, 4, Target: "even"));

        Assert.Equal(6, seen.Select(link => link.ShortCode).Distinct(StringComparer.Ordinal).Count());
        Assert.All(seen, link => Assert.Equal("https://example.com/even", link.OriginalUrl));
    }

    [Theory]
    [InlineData("%")]
    [InlineData("_")]
    [InlineData("\\")]
    [InlineData("' OR 1=1 --")]
    [InlineData("a\0b")]
    [InlineData("\ud83d\ude00")]
    [InlineData("\u0130\u00df.example")]
    [InlineData("xn--ib9b")]
    [InlineData("xn--a-rc4g.example")]
    [InlineData("https://xn--/")]
    public async Task List_FilterOfAnyText_IsTakenLiterally(string text)
    {
        var user = await NewUserAsync();
        await CreateOneAsync(user.Id, NewLink(target: "https://example.com/shoes", metadata: """{"a":"x"}"""));
        var query = new LinkQuery(user.Id, 10);
        var longText = string.Concat(Enumerable.Repeat(text, 2_000));

        foreach (var value in new[] { text, longText })
        {
            Assert.Empty(await CodesAsync(query with { CodePrefix = value }));
            Assert.Empty(await CodesAsync(query with { Target = value }));
            Assert.Empty(await CodesAsync(query with { Metadata = [KeyValuePair.Create(value, "x")] }));
            Assert.Empty(await CodesAsync(query with { Metadata = [KeyValuePair.Create("a", value)] }));
        }

        Assert.Single(await CodesAsync(query));
    }

    /// <summary>A search whose time is over at once looks at a link at a time, as one of a million links looks at some of them.</summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task List_SearchTakesTooLong_PagesGoOnAndHoldEachMatchOnce(bool isByEnd, bool isAscending)
    {
        var user = await NewUserAsync();
        foreach (var i in Enumerable.Range(0, 9))
            await CreateOneAsync(
                user.Id,
                NewLink(target: $"https://example.com/{(i is 2 or 3 or 7 ? "wanted" : "other")}") with
                {
                    ExpiresAt = i % 2 == 0 ? null : Now.AddDays(1 + (i % 3)),
                },
                Now.AddMinutes(i % 4)
            );
        var query = new LinkQuery(user.Id, 2, Target: "wanted") { Order = new LinkOrder(isByEnd ? LinkSort.ExpiresAt : LinkSort.CreatedAt, isAscending) };
        var expected = (await ListAllAsync(query)).ConvertAll(link => link.ShortCode);

        var (found, pages) = await SearchAsync(query with { SearchTime = TimeSpan.Zero });
        var (none, pagesOfNone) = await SearchAsync(query with { SearchTime = TimeSpan.Zero, Target = "missing" });

        Assert.Equal(3, expected.Count);
        Assert.Equal(expected, found);
        Assert.Empty(none);
        // Each page gets further by a link at least, the last one tells that there are no more.
        Assert.InRange(pages, 2, 10);
        Assert.Equal(10, pagesOfNone);

        async Task<(List<string> Codes, int Pages)> SearchAsync(LinkQuery search)
        {
            var codes = new List<string>();
            for (var (count, after) = (1, (LinkCursor?)null); ; count++)
            {
                var page = await Links.ListAsync(search with { After = after }, Token);
                codes.AddRange(page.Links.Select(link => link.ShortCode));
                if (page.Next is null)
                    return (codes, count);
                Assert.NotEqual(after, page.Next);
                after = page.Next;
            }
        }
    }

    [Fact]
    public async Task Idempotency_SameRequestAgain_ReplaysByteForByte()
    {
        var user = await NewUserAsync();
        var body = new byte[] { 0, 1, 2, 255, 254, 13, 10, 0 };
        var idempotency = NewIdempotency(_ => new StoredReply(201, "/api/v1/urls/x", body));

        var first = Assert.IsType<CreateLinksResult.Created>(await Links.CreateAsync(new CreateLinks([NewLink()], user.Id, Now, NewKey, idempotency), Token));
        var second = Assert.IsType<CreateLinksResult.Replayed>(
            await Links.CreateAsync(
                new CreateLinks([NewLink()], user.Id, Now.AddHours(1), NewKey, idempotency with { BuildReply = _ => throw new InvalidOperationException() }),
                Token
            )
        );

        Assert.NotNull(first.Reply);
        Assert.Equal((201, "/api/v1/urls/x"), (second.Reply.StatusCode, second.Reply.Location));
        Assert.Equal(body, first.Reply.Body);
        Assert.Equal(body, second.Reply.Body);
        Assert.Equal(1, (await Stores.Users.FindByEmailAsync(user.Email, Token))!.UrlsCreated);
    }

    [Fact]
    public async Task Idempotency_NoLocation_ReplaysNone()
    {
        var idempotency = NewIdempotency(_ => new StoredReply(207, null, []));
        await Links.CreateAsync(new CreateLinks([NewLink()], null, Now, NewKey, idempotency), Token);

        var again = Assert.IsType<CreateLinksResult.Replayed>(await Links.CreateAsync(new CreateLinks([NewLink()], null, Now, NewKey, idempotency), Token));

        Assert.Null(again.Reply.Location);
        Assert.Empty(again.Reply.Body);
    }

    [Fact]
    public async Task Idempotency_ReplyIsBuiltFromTheResultOfEachLink()
    {
        var taken = (await CreateOneAsync()).ShortCode;
        IReadOnlyList<Link?>? seen = null;
        var idempotency = NewIdempotency(links =>
        {
            seen = links;
            return new StoredReply(207, null, []);
        });

        var result = await Links.CreateAsync(new CreateLinks([NewLink(taken), NewLink()], null, Now, NewKey, idempotency), Token);

        var links = Assert.IsType<CreateLinksResult.Created>(result).Links;
        Assert.Null(links[0]);
        Assert.NotNull(links[1]);
        Assert.Equal(links, seen);
    }

    [Fact]
    public async Task Idempotency_OtherRequestUnderTheKey_IsRefused()
    {
        var alias = NewCode();
        var idempotency = NewIdempotency();
        await Links.CreateAsync(new CreateLinks([NewLink()], null, Now, NewKey, idempotency), Token);

        var result = await Links.CreateAsync(new CreateLinks([NewLink(alias)], null, Now, NewKey, idempotency with { RequestHash = NewHash() }), Token);

        Assert.IsType<CreateLinksResult.KeyReused>(result);
        Assert.Null(await Links.FindAsync(alias, Token));
    }

    [Fact]
    public async Task FindReply_TellsWhatCreateWould()
    {
        var idempotency = NewIdempotency(_ => new StoredReply(201, null, [1, 2]));
        Assert.Null(await Links.FindReplyAsync(idempotency.Key, idempotency.RequestHash, Now, Token));
        await Links.CreateAsync(new CreateLinks([NewLink()], null, Now, NewKey, idempotency), Token);

        var found = Assert.IsType<CreateLinksResult.Replayed>(await Links.FindReplyAsync(idempotency.Key, idempotency.RequestHash, Now, Token));

        Assert.Equal([1, 2], found.Reply.Body);
        Assert.IsType<CreateLinksResult.KeyReused>(await Links.FindReplyAsync(idempotency.Key, NewHash(), Now, Token));
        Assert.Null(await Links.FindReplyAsync(idempotency.Key, idempotency.RequestHash, idempotency.ExpiresAt, Token));
    }

    [Fact]
    public async Task Idempotency_KeyExpired_IsUsableAgain()
    {
        var idempotency = NewIdempotency();
        await Links.CreateAsync(new CreateLinks([NewLink()], null, Now, NewKey, idempotency), Token);
        var other = idempotency with { RequestHash = NewHash(), ExpiresAt = idempotency.ExpiresAt.AddHours(24) };

        Assert.IsType<CreateLinksResult.KeyReused>(
            await Links.CreateAsync(new CreateLinks([NewLink()], null, idempotency.ExpiresAt.AddMilliseconds(-1), NewKey, other), Token)
        );
        Assert.IsType<CreateLinksResult.Created>(await Links.CreateAsync(new CreateLinks([NewLink()], null, idempotency.ExpiresAt, NewKey, other), Token));
        Assert.IsType<CreateLinksResult.Replayed>(await Links.CreateAsync(new CreateLinks([NewLink()], null, idempotency.ExpiresAt, NewKey, other), Token));
    }

    [Fact]
    public async Task Idempotency_NoLinkCreated_StoresNothing()
    {
        var taken = (await CreateOneAsync()).ShortCode;
        var idempotency = NewIdempotency(_ => throw new InvalidOperationException("There is nothing to answer."));

        var refused = Assert.IsType<CreateLinksResult.Created>(
            await Links.CreateAsync(new CreateLinks([NewLink(taken)], null, Now, NewKey, idempotency), Token)
        );
        Assert.Null(Assert.Single(refused.Links));
        Assert.Null(refused.Reply);

        // The client may choose another alias under the same key.
        var retry = NewIdempotency() with
        {
            Key = idempotency.Key,
        };
        Assert.IsType<CreateLinksResult.Created>(await Links.CreateAsync(new CreateLinks([NewLink()], null, Now, NewKey, retry), Token));
    }

    [Fact]
    public async Task Idempotency_BuildReplyThrows_StoresNeitherLinkNorKey()
    {
        var alias = NewCode();
        var idempotency = NewIdempotency(_ => throw new InvalidOperationException("no answer"));

        await Assert.ThrowsAsync<InvalidOperationException>(() => Links.CreateAsync(new CreateLinks([NewLink(alias)], null, Now, NewKey, idempotency), Token));

        Assert.Null(await Links.FindAsync(alias, Token));
        var retry = NewIdempotency() with { Key = idempotency.Key };
        var created = Assert.IsType<CreateLinksResult.Created>(await Links.CreateAsync(new CreateLinks([NewLink(alias)], null, Now, NewKey, retry), Token));
        Assert.NotNull(Assert.Single(created.Links));
    }

    [Fact]
    public async Task Idempotency_TwinsAtOnce_CreateOneLink()
    {
        var user = await NewUserAsync();
        var idempotency = NewIdempotency(links => new StoredReply(201, null, Encoding.UTF8.GetBytes(links[0]!.ShortCode)));

        var results = await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(_ => Task.Run(() => Links.CreateAsync(new CreateLinks([NewLink()], user.Id, Now, NewKey, idempotency), Token), Token))
        );

        var created = Assert.Single(results.OfType<CreateLinksResult.Created>());
        Assert.Equal(19, results.OfType<CreateLinksResult.Replayed>().Count());
        Assert.All(results.OfType<CreateLinksResult.Replayed>(), replayed => Assert.Equal(created.Reply!.Body, replayed.Reply.Body));
        Assert.Single((await Links.ListAsync(new LinkQuery(user.Id, 100), Token)).Links);
    }

    [Fact]
    public async Task DeleteExpiredIdempotencyKeys_ForgetsEndedOnesOnly()
    {
        // Long ago, so that no other test's key is touched.
        var ended = NewIdempotency() with
        {
            ExpiresAt = DateTimeOffset.UnixEpoch.AddDays(2),
        };
        var valid = NewIdempotency();
        await Links.CreateAsync(new CreateLinks([NewLink()], null, Now, NewKey, ended), Token);
        await Links.CreateAsync(new CreateLinks([NewLink()], null, Now, NewKey, valid), Token);

        Assert.Equal(0, await Links.DeleteExpiredIdempotencyKeysAsync(ended.ExpiresAt.AddMilliseconds(-1), Token));
        Assert.Equal(1, await Links.DeleteExpiredIdempotencyKeysAsync(ended.ExpiresAt, Token));
        Assert.Equal(0, await Links.DeleteExpiredIdempotencyKeysAsync(ended.ExpiresAt, Token));
        Assert.IsType<CreateLinksResult.Replayed>(await Links.CreateAsync(new CreateLinks([NewLink()], null, Now, NewKey, valid), Token));
    }

    [Fact]
    public async Task DeleteOfUser_ManyLinks_GoInPiecesAndOthersStay()
    {
        var (user, other) = (await NewUserAsync(), await NewUserAsync());
        var links = await CreateAsync(user.Id, Now, [.. Enumerable.Range(0, 5).Select(_ => NewLink())]);
        var kept = await CreateOneAsync(other.Id);

        Assert.Equal(3, await Links.DeleteOfUserAsync(user.Id, 3, Token));
        Assert.Equal(2, await Links.DeleteOfUserAsync(user.Id, 3, Token));
        Assert.Equal(0, await Links.DeleteOfUserAsync(user.Id, 3, Token));

        Assert.Empty((await Links.ListAsync(new LinkQuery(user.Id, 100), Token)).Links);
        Assert.Equal(kept, await Links.FindAsync(kept.ShortCode, Token));
        // Codes stay claimed, and caches are told.
        Assert.Null(Assert.Single(await CreateAsync(other.Id, Now, NewLink(links[0]!.ShortCode))));
        var logged = await ((ILinkChangeLog)Links).ReadAsync(TimeSpan.FromHours(1), Token);
        Assert.All(links, link => Assert.Contains(logged.Changes, change => change.Change.ShortCode == link!.ShortCode));
        Assert.DoesNotContain(logged.Changes, change => change.Change.ShortCode == kept.ShortCode);
    }

    [Fact]
    public async Task DeleteIdempotencyKeysOfUser_ForgetsTheirsAlone()
    {
        var (user, other) = (await NewUserAsync(), await NewUserAsync());
        var (theirs, others) = (NewIdempotency(), NewIdempotency());
        await Links.CreateAsync(new CreateLinks([NewLink()], user.Id, Now, NewKey, theirs), Token);
        await Links.CreateAsync(new CreateLinks([NewLink()], other.Id, Now, NewKey, others), Token);

        Assert.Equal(1, await Links.DeleteIdempotencyKeysOfUserAsync(user.Id, 10, Token));
        Assert.Equal(0, await Links.DeleteIdempotencyKeysOfUserAsync(user.Id, 10, Token));

        Assert.Null(await Links.FindReplyAsync(theirs.Key, theirs.RequestHash, Now, Token));
        Assert.NotNull(await Links.FindReplyAsync(others.Key, others.RequestHash, Now, Token));
    }

    private static Idempotency NewIdempotency(Func<IReadOnlyList<Link?>, StoredReply>? buildReply = null) =>
        new(NewHash(), NewHash(), Now.AddHours(24), buildReply ?? (_ => new StoredReply(201, null, [1])));

    private async Task<Link> ChangeAsync(Link expected, LinkChange change)
    {
        var result = await Links.UpdateAsync(expected.ShortCode, expected.UserId!.Value, change, Token);
        Assert.Equal(new LinkChangeResult(LinkChangeOutcome.Done, expected), result with { Version = default });
        Assert.Equal(expected, await Links.FindAsync(expected.ShortCode, Token));
        return expected;
    }

    private async Task<List<Link>> ListAllAsync(LinkQuery query)
    {
        var seen = new List<Link>();
        for (LinkCursor? after = null; ; )
        {
            var page = await Links.ListAsync(query with { After = after }, Token);
            Assert.True(page.Links.Count <= query.Limit);
            seen.AddRange(page.Links);
            if (page.Next is null)
                return seen;
            // The time for a search is longer than any of these takes.
            Assert.Equal(query.Limit, page.Links.Count);
            after = page.Next;
        }
    }

    private async Task<IReadOnlyList<string>> CodesAsync(LinkQuery query) => [.. (await Links.ListAsync(query, Token)).Links.Select(link => link.ShortCode)];
}
