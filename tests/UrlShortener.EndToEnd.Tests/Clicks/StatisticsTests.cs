using System.Globalization;
using System.Net;
using System.Text.Json;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Clicks;

public sealed class StatisticsTests : ProductTest, IClassFixture<ProxiedProductFixture>
{
    private readonly ProductProcess _product;

    public StatisticsTests(ProxiedProductFixture fixture) => _product = Share(fixture.Product);

    [Fact]
    [Trait("Case", "F-07")]
    public async Task F07_GetStats_AfterClicksOfManyKinds_CountsEachWhereItBelongs()
    {
        var code = await _product.Owner.CreateLinkAsync();
        await ClickAsync(code, "203.0.113.1", UserAgents.Desktop, "https://www.news.example/article?token=secret");
        await ClickAsync(code, "203.0.113.1", UserAgents.Desktop, "https://news.example/other");
        await ClickAsync(code, "203.0.113.2", UserAgents.Mobile, "https://social.example/");
        await ClickAsync(code, "198.51.100.3", UserAgents.Tablet, null, ("CF-IPCountry", "fr"));
        await ClickAsync(code, "198.51.100.4", UserAgents.Mobile, null);
        await ClickAsync(code, "198.51.100.5", UserAgents.Bot, null);

        var statistics = await _product.Owner.WaitForClicksAsync(code, 6);

        Assert.Equal(5, statistics.GetProperty("total_clicks").GetInt64());
        Assert.Equal(4, statistics.GetProperty("unique_visitors").GetInt64());
        Assert.Equal(1, statistics.GetProperty("bots").GetInt64());
        var devices = statistics.GetProperty("devices");
        Assert.Equal(["mobile:2", "desktop:2", "tablet:1", "other:0"], devices.EnumerateObject().Select(device => $"{device.Name}:{device.Value}"));
        Assert.Equal([("direct", 2), ("news.example", 2), ("social.example", 1)], Pairs(statistics, "referrers", "source"));
        Assert.Equal([("DE", 3), ("FR", 1), ("unknown", 1)], Pairs(statistics, "geographic", "country"));

        var file = await _product.Owner.GetAsync($"/api/v1/urls/{code}/stats.csv?time_zone=Europe/Berlin");
        Assert.Equal("text/csv; charset=utf-8; header=present", file.Header("Content-Type"));
        Assert.Equal($"attachment; filename=\"{code}-statistics.csv\"", file.Header("Content-Disposition"));
        Assert.Equal(file.Body.Length.ToString(CultureInfo.InvariantCulture), file.Header("Content-Length"));
        var records = file.Text.Split("\r\n");
        Assert.Equal(["statistic,name,value", "total_clicks,,5", "unique_visitors,,4", "bots,,1"], records[..4]);
        Assert.Contains("geographic,DE,3", records);
        Assert.Contains("referrers,direct,2", records);
        Assert.Contains("devices,mobile,2", records);
        var buckets = Buckets(await _product.Owner.GetStatisticsAsync(code, "?time_zone=Europe/Berlin"));
        Assert.Equal(
            buckets.Select(bucket => $"time_series,{bucket.Text},{bucket.Clicks}"),
            records.Where(record => record.StartsWith("time_series", StringComparison.Ordinal))
        );
        await AssertSingleClicksAsync(code);

        var about = (await _product.Owner.GetAsync($"/api/v1/urls/{code}")).Json;
        Assert.Equal(5, about.GetProperty("click_count").GetInt64());
        Assert.Equal(JsonValueKind.String, about.GetProperty("last_accessed_at").ValueKind);
        var analytics = about.GetProperty("analytics");
        Assert.Equal(5, analytics.GetProperty("clicks_24h").GetInt64());
        Assert.Equal(5, analytics.GetProperty("clicks_7d").GetInt64());
        Assert.Equal([("DE", 3), ("FR", 1), ("unknown", 1)], Pairs(analytics, "top_countries", "country"));
        Assert.Equal([("direct", 2), ("news.example", 2), ("social.example", 1)], Pairs(analytics, "top_referrers", "source"));
    }

    private async Task AssertSingleClicksAsync(string code)
    {
        var file = await _product.Owner.GetAsync($"/api/v1/urls/{code}/clicks.csv?time_zone=Asia/Kolkata");
        Assert.Equal((200, "text/csv; charset=utf-8; header=present"), (file.Status, file.Header("Content-Type")));
        Assert.Equal($"attachment; filename=\"{code}-clicks.csv\"", file.Header("Content-Disposition"));
        Assert.Equal("no-store", file.Header("Cache-Control"));
        var records = file.Text.Split("\r\n");
        Assert.Equal("clicked_at,is_bot,device,country,referrer", records[0]);
        Assert.Equal("", records[^1]);
        Assert.Equal(
            [
                "false,desktop,DE,news.example",
                "false,desktop,DE,news.example",
                "false,mobile,DE,social.example",
                "false,mobile,unknown,direct",
                "false,tablet,FR,direct",
            ],
            records[1..^1]
                .Select(record => record[(record.IndexOf(',', StringComparison.Ordinal) + 1)..])
                .Where(record => record[0] == 'f')
                .Order(StringComparer.Ordinal)
        );
        Assert.Single(records, record => record.Contains(",true,", StringComparison.Ordinal));
        Assert.All(records[1..^1], record => Assert.Matches(@"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+05:30,", record));
        // Nothing that tells who it was.
        Assert.DoesNotContain("Mozilla", file.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("article", file.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("203.0.113", file.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Export_Http10_IsRefusedBecauseABrokenTransferWouldLookComplete()
    {
        var code = await _product.Owner.CreateLinkAsync();

        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/urls/{code}/clicks.csv") { Version = HttpVersion.Version10 };
        request.Headers.Add("X-API-Key", _product.ApiKey);
        using var answer = await _product.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("needs HTTP/1.1", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetTrending_LinksOfTwoUsers_EachSeesTheirOwnThatPeopleFollow()
    {
        var (user, other) = (await _product.CreateUserAsync(NewEmail()), await _product.CreateUserAsync(NewEmail()));
        var (first, second, third) = (await user.CreateLinkAsync(), await user.CreateLinkAsync(), await user.CreateLinkAsync());
        var (ofBots, foreign) = (await user.CreateLinkAsync(), await other.CreateLinkAsync());
        foreach (var code in (string[])[first, second, second, second, foreign, foreign, foreign, foreign, foreign])
            await ClickAsync(code, "203.0.113.1", UserAgents.Desktop, null);
        await ClickAsync(ofBots, "203.0.113.1", UserAgents.Bot, null);
        await user.WaitForClicksAsync(first, 1);
        await user.WaitForClicksAsync(second, 3);
        await other.WaitForClicksAsync(foreign, 5);
        await user.WaitForClicksAsync(ofBots, 1);

        var trending = await user.GetAsync("/api/v1/urls/trending");

        Assert.Equal(200, trending.Status);
        var links = trending.Json.GetProperty("urls").EnumerateArray().ToList();
        Assert.Equal([(second, 3, 0), (first, 1, 0)], links.Select(Describe));
        Assert.EndsWith("/" + second, links[0].GetProperty("short_url").GetString(), StringComparison.Ordinal);
        Assert.Equal([(second, 3, 0)], (await user.GetAsync("/api/v1/urls/trending?limit=1")).Json.GetProperty("urls").EnumerateArray().Select(Describe));
        Assert.Empty((await (await _product.CreateUserAsync(NewEmail())).GetAsync("/api/v1/urls/trending")).Json.GetProperty("urls").EnumerateArray());
        Assert.DoesNotContain(links, link => link.GetProperty("short_code").GetString() == third);
        // By the minute only with Flink.
        Assert.Equal(JsonValueKind.Null, (await user.GetStatisticsAsync(first, "")).GetProperty("clicks_last_hour").ValueKind);

        static (string, long, long) Describe(JsonElement link) =>
            (link.GetProperty("short_code").GetString()!, link.GetProperty("clicks_last_hour").GetInt64(), link.GetProperty("clicks_hour_before").GetInt64());
    }

    [Theory]
    [InlineData("?limit=0")]
    [InlineData("?limit=101")]
    [InlineData("?limit=a")]
    [InlineData("?cursor=a")]
    public async Task GetTrending_ParameterThatIsWrong_IsRefused(string query) =>
        (await _product.Owner.GetAsync("/api/v1/urls/trending" + query)).ShouldBeProblem(400, "INVALID_REQUEST");

    [Fact]
    public async Task GetStats_EachClickNamesAnotherSource_SumsUpThoseBeyondAThousand()
    {
        var code = await _product.Owner.CreateLinkAsync();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, 1_200),
            async (i, _) => await ClickAsync(code, "203.0.113.1", UserAgents.Desktop, $"https://s{i}.example/")
        );
        await _product.Owner.WaitForClicksAsync(code, 1_200);
        // Hosts with the names that we give.
        await ClickAsync(code, "203.0.113.1", UserAgents.Desktop, "http://direct/");
        await ClickAsync(code, "203.0.113.1", UserAgents.Desktop, null);

        var statistics = await _product.Owner.WaitForClicksAsync(code, 1_202);

        Assert.Equal(1_202, statistics.GetProperty("total_clicks").GetInt64());
        var sources = Pairs(statistics, "referrers", "source").ToList();
        Assert.Equal(("other", 201), sources[0]);
        Assert.Contains(("direct", 1), sources);
    }

    [Fact]
    public async Task GetStats_HostsNamedLikeOurWords_AreToldApart()
    {
        var code = await _product.Owner.CreateLinkAsync();
        await ClickAsync(code, "203.0.113.1", UserAgents.Desktop, "http://direct/");
        await ClickAsync(code, "203.0.113.1", UserAgents.Desktop, "http://other/");
        await ClickAsync(code, "203.0.113.1", UserAgents.Desktop, null);

        var statistics = await _product.Owner.WaitForClicksAsync(code, 3);

        Assert.Equal([("direct", 1), ("direct.", 1), ("other.", 1)], Pairs(statistics, "referrers", "source"));
    }

    [Theory]
    [InlineData("Sec-Purpose", "prefetch;prerender")]
    [InlineData("Purpose", "prefetch")]
    [InlineData("X-Purpose", "preview")]
    [InlineData("X-Moz", "prefetch")]
    public async Task GetStats_NobodyAskedForThePageYet_CountsApartLikeABot(string header, string value)
    {
        var code = await _product.Owner.CreateLinkAsync();

        var reply = await _product.Anonymous.GetAsync($"/{code}", ("User-Agent", UserAgents.Desktop), (header, value));

        Assert.Equal(302, reply.Status);
        var statistics = await _product.Owner.WaitForClicksAsync(code, 1);
        Assert.Equal((0, 1), (statistics.GetProperty("total_clicks").GetInt64(), statistics.GetProperty("bots").GetInt64()));
    }

    [Theory]
    [InlineData("ZZ")]
    [InlineData("XX")]
    [InlineData("T1")]
    public async Task GetStats_ProxyDoesNotKnowTheCountry_IsUnknown(string country)
    {
        var code = await _product.Owner.CreateLinkAsync();
        await ClickAsync(code, "198.51.100.9", UserAgents.Desktop, "https://news.example./page", ("CF-IPCountry", country));

        var statistics = await _product.Owner.WaitForClicksAsync(code, 1);

        Assert.Equal([("unknown", 1)], Pairs(statistics, "geographic", "country"));
        Assert.Equal([("news.example", 1)], Pairs(statistics, "referrers", "source"));
    }

    [Theory]
    [InlineData("", 31, 1)]
    [InlineData("?granularity=day", 31, 1)]
    [InlineData("?granularity=week", 5, 7)]
    [Trait("Case", "F-07")]
    public async Task F07_GetStats_NoRange_FillsThirtyDaysOfBuckets(string query, int atLeast, int days)
    {
        var code = await _product.Owner.CreateLinkAsync();
        await ClickAsync(code, "203.0.113.1", UserAgents.Desktop, null);

        var statistics = await _product.Owner.WaitForClicksAsync(code, 1, query);

        var buckets = Buckets(statistics);
        Assert.InRange(buckets.Count, atLeast, atLeast + 1);
        Assert.Equal(1, buckets.Sum(bucket => bucket.Clicks));
        // The last but one when midnight passed meanwhile.
        Assert.Equal(1, buckets.TakeLast(2).Sum(bucket => bucket.Clicks));
        Assert.All(buckets.Zip(buckets.Skip(1)), pair => Assert.Equal(TimeSpan.FromDays(days), pair.Second.At - pair.First.At));
        Assert.All(buckets, bucket => Assert.EndsWith("T00:00:00+00:00", bucket.Text, StringComparison.Ordinal));
        if (days == 7)
            Assert.All(buckets, bucket => Assert.Equal(DayOfWeek.Monday, bucket.At.DayOfWeek));
    }

    [Fact]
    [Trait("Case", "F-07")]
    public async Task F07_GetStats_TimeZone_CountsItsDaysAndHours()
    {
        var code = await _product.Owner.CreateLinkAsync();
        await ClickAsync(code, "203.0.113.1", UserAgents.Desktop, null);
        await _product.Owner.WaitForClicksAsync(code, 1);

        var days = await _product.Owner.GetStatisticsAsync(code, "?time_zone=Asia/Kolkata");
        var from = TimeProvider.System.GetUtcNow().AddHours(-3);
        var hours = await _product.Owner.GetStatisticsAsync(
            code,
            string.Create(CultureInfo.InvariantCulture, $"?time_zone=Asia/Kolkata&granularity=hour&start_date={from:yyyy-MM-ddTHH:mm:ssZ}")
        );

        Assert.Equal("Asia/Kolkata", days.GetProperty("time_zone").GetString());
        Assert.All(Buckets(days), bucket => Assert.EndsWith("T00:00:00+05:30", bucket.Text, StringComparison.Ordinal));
        Assert.Equal("hour", hours.GetProperty("granularity").GetString());
        Assert.All(Buckets(hours), bucket => Assert.EndsWith(":00:00+05:30", bucket.Text, StringComparison.Ordinal));
        Assert.InRange(Buckets(hours).Count, 4, 5);
        Assert.Equal(1, Buckets(days).Sum(bucket => bucket.Clicks));
        Assert.Equal(1, Buckets(hours).Sum(bucket => bucket.Clicks));
    }

    [Fact]
    [Trait("Case", "F-07")]
    public async Task F07_GetStats_RangeBeforeTheClicks_IsEmptyButFilled()
    {
        var code = await _product.Owner.CreateLinkAsync();
        await ClickAsync(code, "203.0.113.1", UserAgents.Desktop, null);
        await _product.Owner.WaitForClicksAsync(code, 1);

        var statistics = await _product.Owner.GetStatisticsAsync(code, "?start_date=2020-02-01&end_date=2020-02-29");

        Assert.Equal(0, statistics.GetProperty("total_clicks").GetInt64());
        Assert.Equal(0, statistics.GetProperty("unique_visitors").GetInt64());
        Assert.Equal(29, Buckets(statistics).Count);
        Assert.Empty(statistics.GetProperty("referrers").EnumerateArray());
    }

    [Theory]
    [InlineData("?granularity=month")]
    [InlineData("?start_date=yesterday")]
    [InlineData("?start_date=2020-02-30")]
    [InlineData("?start_date=2020-02-02&end_date=2020-02-01")]
    [InlineData("?start_date=2020-01-01&end_date=2020-12-31&granularity=hour")]
    [InlineData("?start_date=1970-01-01&end_date=2020-12-31")]
    [InlineData("?time_zone=Mars/Olympus")]
    [InlineData("?time_zone=..%2F..%2Fetc%2Fpasswd")]
    [InlineData("?granularty=day")]
    [Trait("Case", "F-07")]
    public async Task F07_GetStats_InvalidQuery_Returns400(string query)
    {
        var code = await _product.Owner.CreateLinkAsync();

        (await _product.Owner.GetAsync($"/api/v1/urls/{code}/stats{query}")).ShouldBeProblem(400, "INVALID_REQUEST");
    }

    private async Task ClickAsync(string code, string address, string userAgent, string? referrer, params (string, string)[] headers)
    {
        List<(string, string)> all = [("X-Forwarded-For", address), ("User-Agent", userAgent), .. headers];
        if (referrer is not null)
            all.Add(("Referer", referrer));
        Assert.Equal(302, (await _product.Anonymous.GetAsync($"/{code}", [.. all])).Status);
    }

    private static List<(string, long)> Pairs(JsonElement parent, string list, string name) =>
        [
            .. parent
                .GetProperty(list)
                .EnumerateArray()
                .Select(entry => (entry.GetProperty(name).GetString()!, entry.GetProperty("clicks").GetInt64()))
                .OrderByDescending(pair => pair.Item2)
                .ThenBy(pair => pair.Item1, StringComparer.Ordinal),
        ];

    private static List<(string Text, DateTimeOffset At, long Clicks)> Buckets(JsonElement statistics) =>
        [
            .. statistics
                .GetProperty("time_series")
                .EnumerateArray()
                .Select(bucket =>
                    (
                        bucket.GetProperty("timestamp").GetString()!,
                        DateTimeOffset.Parse(bucket.GetProperty("timestamp").GetString()!, CultureInfo.InvariantCulture),
                        bucket.GetProperty("clicks").GetInt64()
                    )
                ),
        ];
}
