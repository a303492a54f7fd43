using System.Net.Mime;
using System.Text;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.OpenApi;

public sealed class ContractTests : ProductTest
{
    private const string Follow = "/{short_code}";
    private const string Urls = "/api/v1/urls";
    private const string Bulk = "/api/v1/urls/bulk";
    private const string Link = "/api/v1/urls/{short_code}";
    private const string Trending = "/api/v1/urls/trending";
    private const string Stats = "/api/v1/urls/{short_code}/stats";
    private const string StatsCsv = "/api/v1/urls/{short_code}/stats.csv";
    private const string ClicksCsv = "/api/v1/urls/{short_code}/clicks.csv";
    private const string Qr = "/api/v1/urls/{short_code}/qr";
    private const string Unknown = "nosuch7";

    private static readonly object Good = new { original_url = "https://example.com/contract" };
    private static readonly object GoodBulk = new { urls = new[] { Good } };
    private static readonly (string, string) Browser = ("Accept", "text/html");
    private static readonly string[] Reads = ["GET", "HEAD"];

    [Fact]
    public async Task Document_EveryResponse_IsGivenAsDescribed()
    {
        var blocklist = NewFolder().PathOf("blocklist.txt");
        await File.WriteAllTextAsync(blocklist, "blocked.example.com\n", TestContext.Current.CancellationToken);
        var product = await StartAsync(
            "--RateLimiting:Anonymous=1000000",
            "--RateLimiting:Enterprise=1000000",
            "--QrCodes:RendersPerMinute=10",
            $"--Abuse:BlocklistPath={blocklist}"
        );
        var contract = new Contract(await ApiDocument.LoadAsync(product.Anonymous));

        await FollowAsync(product, contract);
        await CreateAsync(product, contract);
        await CreateManyAsync(product, contract);
        await ListAsync(product, contract);
        await ReadAsync(product, contract);
        await ChangeAsync(product, contract);
        await DeleteAsync(product, contract);
        await DrawAsync(product, contract);
        await SendSlowlyAsync(contract);
        await ExceedLimitAsync(product, contract);
        await UseUnknownHostAsync(product, contract);
        var tooMany = Enumerable.Range(0, 110).Select(number => ($"X-Header-{number}", "1")).ToArray();
        foreach (var method in Reads)
        {
            contract.Check(method, "/health", 200, await SendAsync(product.Anonymous, method, "/health"));
            contract.Check(method, "/health", 431, await SendAsync(product.Anonymous, method, "/health", null, tooMany));
        }

        // Last: there is no way back.
        await LoseStoreAsync(product, contract);

        Assert.Empty(contract.Problems());
    }

    private static async Task FollowAsync(ProductProcess product, Contract contract)
    {
        var expired = await product.Owner.CreateLinkAsync();
        await product.Stores.ExpireLinkAsync(expired);
        var blocked = await product.Owner.CreateLinkAsync();
        await product.Stores.RetargetLinkAsync(blocked, "https://blocked.example.com/");
        foreach (var method in Reads)
        {
            foreach (var type in (int[])[301, 302, 307, 308])
            {
                var created = await product.Owner.CreateAsync(new { original_url = "https://example.com/", redirect_type = type });
                contract.Check(method, Follow, type, await SendAsync(product.Anonymous, method, $"/{created.Json.GetProperty("short_code").GetString()}"));
            }

            contract.Check(method, Follow, 404, await SendAsync(product.Anonymous, method, $"/{Unknown}"));
            contract.Check(method, Follow, 410, await SendAsync(product.Anonymous, method, $"/{expired}"));
            contract.Check(method, Follow, 451, await SendAsync(product.Anonymous, method, $"/{blocked}"));
            foreach (var (status, code) in ((int, string)[])[(404, Unknown), (410, expired), (451, blocked)])
                contract.Check(method, Follow, status, await SendAsync(product.Anonymous, method, $"/{code}", null, Browser));
        }
    }

    private static async Task CreateAsync(ProductProcess product, Contract contract)
    {
        var retry = ("X-Idempotency-Key", "contract");
        var alias = new
        {
            original_url = "https://example.com/",
            custom_alias = NewAlias(),
            expires_in_days = 7,
            redirect_type = 301,
            metadata = new { campaign = "spring" },
        };
        contract.Check("POST", Urls, 201, await product.Owner.CreateAsync(alias, retry));
        contract.Check("POST", Urls, 201, await product.Owner.CreateAsync(alias, retry));
        contract.Check("POST", Urls, 422, await product.Owner.CreateAsync(Good, retry));
        contract.Check("POST", Urls, 403, await (await product.CreateUserAsync(NewEmail(), quota: 0)).CreateAsync(Good));
        contract.Check("POST", Urls, 409, await product.Owner.CreateAsync(alias));
        contract.Check("POST", Urls, 201, await product.Anonymous.CreateAsync(new { original_url = "https://аррӏе.com/" }));
        contract.Check("POST", Urls, 400, await product.Owner.CreateAsync(new { original_url = "nonsense", custom_alias = "abc" }));
        contract.Check("POST", Urls, 400, await product.Owner.CreateAsync(new { original_url = "https://blocked.example.com/" }));
        contract.Check("POST", Urls, 401, await product.Anonymous.CreateAsync(Good, ("X-API-Key", "wrong")));
        contract.Check("POST", Urls, 413, await product.Owner.CreateAsync(Text(200_000), ("Expect", "100-continue")));
        contract.Check("POST", Urls, 415, await product.Owner.CreateAsync(Text(10, MediaTypeNames.Text.Plain)));
    }

    private static async Task CreateManyAsync(ProductProcess product, Contract contract)
    {
        var user = await product.CreateUserAsync(NewEmail());
        var retry = ("X-Idempotency-Key", "contract-bulk");
        contract.Check("POST", Bulk, 201, await product.Owner.PostAsync(Bulk, GoodBulk, retry));
        contract.Check("POST", Bulk, 201, await product.Owner.PostAsync(Bulk, GoodBulk, retry));
        contract.Check("POST", Bulk, 422, await product.Owner.CreateManyAsync([Good, Good], retry));
        contract.Check("POST", Bulk, 207, await product.Owner.CreateManyAsync([Good, new { original_url = "nonsense" }, null!]));
        contract.Check("POST", Bulk, 207, await product.Owner.CreateManyAsync([new { original_url = "nonsense" }]));
        contract.Check("POST", Bulk, 400, await product.Owner.CreateManyAsync([]));
        contract.Check("POST", Bulk, 401, await product.Anonymous.CreateManyAsync([Good]));
        contract.Check("POST", Bulk, 413, await user.PostAsync(Bulk, Text(9_000_000), ("Expect", "100-continue")));
        contract.Check("POST", Bulk, 415, await product.Owner.PostAsync(Bulk, Text(10, MediaTypeNames.Text.Plain)));
    }

    private static async Task ListAsync(ProductProcess product, Contract contract)
    {
        var user = await product.CreateUserAsync(NewEmail());
        contract.Check("GET", Urls, 200, await user.GetAsync(Urls));
        contract.Check("GET", Urls, 200, await product.Owner.GetAsync($"{Urls}?limit=2"));
        contract.Check("GET", Urls, 400, await product.Owner.GetAsync($"{Urls}?limit=0"));
        contract.Check("GET", Urls, 401, await product.Anonymous.GetAsync(Urls));
    }

    private static async Task ReadAsync(ProductProcess product, Contract contract)
    {
        var user = await product.CreateUserAsync(NewEmail());
        var code = await product.Owner.CreateLinkAsync();
        await product.Anonymous.GetAsync($"/{code}", ("User-Agent", UserAgents.Desktop), ("Referer", "https://news.example.com/"));
        // With a click, so that no list in the answers is empty.
        await product.Owner.WaitForClicksAsync(code, 1);
        var expired = await product.Owner.CreateLinkAsync();
        await product.Stores.ExpireLinkAsync(expired);
        contract.Check("GET", Link, 200, await product.Owner.GetAsync($"{Urls}/{code}"));
        contract.Check("GET", Link, 401, await product.Anonymous.GetAsync($"{Urls}/{code}"));
        contract.Check("GET", Link, 403, await user.GetAsync($"{Urls}/{code}"));
        contract.Check("GET", Link, 404, await product.Owner.GetAsync($"{Urls}/{Unknown}"));
        contract.Check("GET", Link, 200, await product.Owner.GetAsync($"{Urls}/{expired}"));
        contract.Check("GET", Link, 410, await user.GetAsync($"{Urls}/{expired}"));
        foreach (var path in (string[])[Stats, StatsCsv, ClicksCsv])
        {
            contract.Check("GET", path, 200, await product.Owner.GetAsync(path.Replace("{short_code}", code, StringComparison.Ordinal)));
            contract.Check("GET", path, 400, await product.Owner.GetAsync($"{path.Replace("{short_code}", code, StringComparison.Ordinal)}?end_date=soon"));
            contract.Check("GET", path, 401, await product.Anonymous.GetAsync(path.Replace("{short_code}", code, StringComparison.Ordinal)));
            contract.Check("GET", path, 403, await user.GetAsync(path.Replace("{short_code}", code, StringComparison.Ordinal)));
            contract.Check("GET", path, 404, await product.Owner.GetAsync(path.Replace("{short_code}", Unknown, StringComparison.Ordinal)));
            contract.Check("GET", path, 410, await user.GetAsync(path.Replace("{short_code}", expired, StringComparison.Ordinal)));
        }

        contract.Check("GET", Trending, 200, await product.Owner.GetAsync(Trending));
        contract.Check("GET", Trending, 400, await product.Owner.GetAsync(Trending + "?limit=101"));
        contract.Check("GET", Trending, 401, await product.Anonymous.GetAsync(Trending));
        contract.Check("GET", Stats, 200, await product.Owner.GetAsync($"{Urls}/{code}/stats?granularity=week&time_zone=Asia/Kathmandu"));
        contract.Check("GET", Stats, 400, await product.Owner.GetAsync($"{Urls}/{code}/stats?granularity=minute"));
    }

    private static async Task ChangeAsync(ProductProcess product, Contract contract)
    {
        var user = await product.CreateUserAsync(NewEmail());
        var code = await product.Owner.CreateLinkAsync();
        contract.Check(
            "PATCH",
            Link,
            200,
            await product.Owner.PatchAsync($"{Urls}/{code}", new { original_url = "https://example.com/new", metadata = new { } })
        );
        using var patch = new StringContent("""{"expires_at":null,"metadata":null}""", Encoding.UTF8, "application/merge-patch+json");
        contract.Check("PATCH", Link, 200, await product.Owner.PatchAsync($"{Urls}/{code}", patch));
        contract.Check("PATCH", Link, 400, await product.Owner.PatchAsync($"{Urls}/{code}", new { }));
        contract.Check("PATCH", Link, 401, await product.Anonymous.PatchAsync($"{Urls}/{code}", Good));
        contract.Check("PATCH", Link, 403, await user.PatchAsync($"{Urls}/{code}", Good));
        contract.Check("PATCH", Link, 404, await product.Owner.PatchAsync($"{Urls}/{Unknown}", Good));
        contract.Check("PATCH", Link, 413, await product.Owner.SendAsync(HttpMethod.Patch, $"{Urls}/{code}", Text(200_000), ("Expect", "100-continue")));
        contract.Check("PATCH", Link, 415, await product.Owner.PatchAsync($"{Urls}/{code}", Text(10, MediaTypeNames.Text.Plain)));
    }

    private static async Task DeleteAsync(ProductProcess product, Contract contract)
    {
        var user = await product.CreateUserAsync(NewEmail());
        var code = await product.Owner.CreateLinkAsync();
        contract.Check("DELETE", Link, 401, await product.Anonymous.DeleteAsync($"{Urls}/{code}"));
        contract.Check("DELETE", Link, 403, await user.DeleteAsync($"{Urls}/{code}"));
        contract.Check("DELETE", Link, 204, await product.Owner.DeleteAsync($"{Urls}/{code}"));
        contract.Check("DELETE", Link, 404, await product.Owner.DeleteAsync($"{Urls}/{code}"));
    }

    private static async Task DrawAsync(ProductProcess product, Contract contract)
    {
        var code = await product.Owner.CreateLinkAsync();
        foreach (var method in Reads)
        {
            var png = await SendAsync(product.Anonymous, method, $"{Urls}/{code}/qr");
            contract.Check(method, Qr, 200, png);
            contract.Check(method, Qr, 200, await SendAsync(product.Anonymous, method, $"{Urls}/{code}/qr?format=svg"));
            contract.Check(method, Qr, 304, await SendAsync(product.Anonymous, method, $"{Urls}/{code}/qr", null, ("If-None-Match", png.Header("ETag")!)));
            contract.Check(method, Qr, 400, await SendAsync(product.Anonymous, method, $"{Urls}/{code}/qr?size=1"));
            contract.Check(method, Qr, 404, await SendAsync(product.Anonymous, method, $"{Urls}/{Unknown}/qr"));
        }

        var replies = await Task.WhenAll(Enumerable.Range(301, 50).Select(size => product.Anonymous.GetAsync($"{Urls}/{code}/qr?size={size}")));
        contract.Check("GET", Qr, 429, replies.First(reply => reply.Status == 429));
    }

    // A process of its own, in which nobody waits a minute for a body.
    private async Task SendSlowlyAsync(Contract contract)
    {
        var product = await StartAsync("--Bodies:Timeout=00:00:01", "--Links:OwnHosts:0=raw");
        var answers = await Task.WhenAll(
            Limited()
                .Where(request => request.Body is not null)
                .Select(async request =>
                    (
                        request.Method,
                        request.Path,
                        Answer: await RawHttp.SendAsync(
                            product,
                            $"{request.Method} {request.Path.Replace("{short_code}", Unknown, StringComparison.Ordinal)}",
                            $"X-API-Key: {product.ApiKey}",
                            "Content-Type: application/json",
                            "Content-Length: 100"
                        )
                    )
                )
        );
        foreach (var (method, path, answer) in answers)
        {
            var headers = ((string[])["Content-Type", "RateLimit", "RateLimit-Policy"])
                .Where(name => answer.Header(name) is not null)
                .ToDictionary(name => name, name => answer.Header(name)!);
            contract.Check(method, path, 408, new Reply(answer.Status, headers, answer.Body));
        }
    }

    private static async Task ExceedLimitAsync(ProductProcess product, Contract contract)
    {
        var user = await product.CreateUserAsync(NewEmail(), rateLimit: 1);
        await user.GetAsync(Urls);
        foreach (var (method, path, body) in Limited())
            contract.Check(method, path, 429, await SendAsync(user, method, path.Replace("{short_code}", Unknown, StringComparison.Ordinal), body));
    }

    private static async Task UseUnknownHostAsync(ProductProcess product, Contract contract)
    {
        foreach (var (method, path, body) in (IEnumerable<(string, string, object?)>)[("GET", Qr, null), ("HEAD", Qr, null), .. Limited()])
        {
            var reply = await SendAsync(
                product.Owner,
                method,
                path.Replace("{short_code}", Unknown, StringComparison.Ordinal),
                body,
                ("Host", "somebody.example")
            );
            contract.Check(method, path, 421, reply);
        }
    }

    private static async Task LoseStoreAsync(ProductProcess product, Contract contract)
    {
        // Neither in the cache: never followed.
        var code = await product.Owner.CreateLinkAsync();
        await product.Stores.LoseAsync();
        // Its answer may be a second old.
        await Eventually.ReadAsync(() => product.Anonymous.GetAsync("/health"), reply => reply.Status == 503, "/health answers 503 once the store is lost");
        foreach (
            var (method, path, body) in (IEnumerable<(string, string, object?)>)
                [
                    ("GET", Follow, null),
                    ("HEAD", Follow, null),
                    ("GET", Qr, null),
                    ("HEAD", Qr, null),
                    ("GET", "/health", null),
                    ("HEAD", "/health", null),
                    .. Limited(),
                ]
        )
        {
            contract.Check(method, path, 503, await SendAsync(product.Owner, method, path.Replace("{short_code}", code, StringComparison.Ordinal), body));
            if (path == Follow)
                contract.Check(method, path, 503, await SendAsync(product.Owner, method, $"/{code}", null, Browser));
        }
    }

    private static IEnumerable<(string Method, string Path, object? Body)> Limited() =>
        [
            ("POST", Urls, Good),
            ("POST", Bulk, GoodBulk),
            ("GET", Urls, null),
            ("GET", Link, null),
            ("GET", Stats, null),
            ("GET", StatsCsv, null),
            ("GET", ClicksCsv, null),
            ("GET", Trending, null),
            ("PATCH", Link, Good),
            ("DELETE", Link, null),
        ];

    private static Task<Reply> SendAsync(ApiClient client, string method, string path, object? body = null, params (string Name, string Value)[] headers) =>
        client.SendAsync(new HttpMethod(method), path, body, headers);

    private static StringContent Text(int length, string type = MediaTypeNames.Application.Json) => new($"\"{new string('a', length)}\"", Encoding.UTF8, type);
}
