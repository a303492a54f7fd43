using System.Text.Json;
using System.Text.RegularExpressions;
using UrlShortener.EndToEnd.Tests.Product;
using UrlShortener.TestServers;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.OpenApi;

public sealed partial class DocumentTests : ProductTest, IClassFixture<ProductFixture>
{
    // For people, orchestrators and monitors, and for who operates a region; no part of the API.
    private static readonly HashSet<string> Undocumented =
    [
        "/",
        "/errors",
        "/favicon.ico",
        "/favicon.svg",
        "/robots.txt",
        "/health/live",
        "/health/ready",
        "/health/startup",
        "/docs",
        "/kgs/v1/status",
        "/kgs/v1/refill",
        "/kgs/v1/epochs",
    ];

    private static readonly string[] Methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

    private readonly ProductProcess _product;

    public DocumentTests(ProductFixture fixture) => _product = Share(fixture.Product);

    [Fact]
    public async Task Document_Version_Is31()
    {
        var document = await ApiDocument.LoadAsync(_product.Anonymous);

        Assert.StartsWith("3.1.", document.Root.GetProperty("openapi").GetString(), StringComparison.Ordinal);
    }

    /// <summary>The specification's API, member by member. What it requires may be added to, never taken away.</summary>
    [Theory]
    [InlineData(
        "POST",
        "/api/v1/urls",
        201,
        "short_url,short_code,original_url,expires_at,qr_code_url",
        "original_url,custom_alias,expires_in_days,metadata",
        "original_url"
    )]
    [InlineData("POST", "/api/v1/urls", 400, "error,code")]
    [InlineData("POST", "/api/v1/urls", 409, "error,code")]
    [InlineData("POST", "/api/v1/urls", 429, "error,code,retry_after?")]
    [InlineData(
        "GET",
        "/api/v1/urls/{short_code}",
        200,
        "short_code,original_url,created_at,expires_at,click_count,last_accessed_at,analytics,analytics.clicks_24h,analytics.clicks_7d,analytics.top_countries,analytics.top_referrers"
    )]
    [InlineData("GET", "/api/v1/urls/{short_code}", 404, "error")]
    [InlineData("GET", "/api/v1/urls/{short_code}", 410, "error")]
    [InlineData("GET", "/{short_code}", 301, "")]
    [InlineData("GET", "/{short_code}", 302, "")]
    [InlineData("GET", "/{short_code}", 404, "error")]
    [InlineData("GET", "/{short_code}", 410, "error")]
    [InlineData("PATCH", "/api/v1/urls/{short_code}", 200, "message,url", "original_url,expires_at,is_active")]
    [InlineData("PATCH", "/api/v1/urls/{short_code}", 404, "error")]
    [InlineData("PATCH", "/api/v1/urls/{short_code}", 403, "error")]
    [InlineData("DELETE", "/api/v1/urls/{short_code}", 204, "")]
    [InlineData("DELETE", "/api/v1/urls/{short_code}", 404, "error")]
    [InlineData("DELETE", "/api/v1/urls/{short_code}", 403, "error")]
    [InlineData(
        "GET",
        "/api/v1/urls/{short_code}/stats",
        200,
        "total_clicks,unique_visitors,time_series,time_series.timestamp,time_series.clicks,geographic,geographic.country,geographic.clicks,"
            + "referrers,referrers.source,referrers.clicks,devices,devices.mobile,devices.desktop,devices.tablet"
    )]
    [InlineData(
        "POST",
        "/api/v1/urls/bulk",
        201,
        "results,results.original_url,results.short_url,results.status",
        "urls,urls.original_url,urls.custom_alias",
        "urls,urls.original_url"
    )]
    [InlineData("POST", "/api/v1/urls/bulk", 207, "results")]
    [InlineData("GET", "/health", 200, "status,components,components.database,components.cache,components.kgs,version")]
    [InlineData("GET", "/health", 503, "status,components")]
    public async Task Document_Specification_IsAllThere(
        string method,
        string path,
        int status,
        string members,
        string requestMembers = "",
        string requiredMembers = ""
    )
    {
        var document = await ApiDocument.LoadAsync(_product.Anonymous);
        var operation = document.Find(method, path);
        var response = operation.Responses[status];

        foreach (var member in members.Split(',', StringSplitOptions.RemoveEmptyEntries))
            AssertMember(
                document,
                Operation.ContentOf(response).Single(content => content.Key.EndsWith("json", StringComparison.Ordinal)).Value.GetProperty("schema"),
                member.TrimEnd('?'),
                isRequired: !member.EndsWith('?')
            );
        foreach (var member in requestMembers.Split(',', StringSplitOptions.RemoveEmptyEntries))
            AssertMember(document, operation.RequestSchema!.Value, member, requiredMembers.Split(',').Contains(member));
    }

    [Theory]
    [InlineData("POST", "/api/v1/urls", "X-Idempotency-Key")]
    [InlineData("POST", "/api/v1/urls", "Idempotency-Key")]
    [InlineData("POST", "/api/v1/urls/bulk", "Idempotency-Key")]
    [InlineData("GET", "/api/v1/urls/{short_code}/stats", "start_date")]
    [InlineData("GET", "/api/v1/urls/{short_code}/stats", "end_date")]
    [InlineData("GET", "/api/v1/urls/{short_code}/stats", "granularity")]
    public async Task Document_Specification_HasTheParameter(string method, string path, string parameter)
    {
        var schema = (await ApiDocument.LoadAsync(_product.Anonymous)).Find(method, path).ParameterSchema(parameter);

        if (parameter == "granularity")
            Assert.Equal(["hour", "day", "week"], schema.GetProperty("enum").EnumerateArray().Select(value => value.GetString()));
    }

    /// <summary>What generated clients stumble over: nulls that mean nothing, numbers that become texts, files that become texts, lists that become one
    /// value.</summary>
    [Fact]
    public async Task Document_Types_AreWhatGeneratorsRead()
    {
        var document = await ApiDocument.LoadAsync(_product.Anonymous);
        var schemas = document.Root.GetProperty("components").GetProperty("schemas");
        JsonElement Member(string schema, string name) => schemas.GetProperty(schema).GetProperty("properties").GetProperty(name);

        Assert.Equal("integer", Member("LinkResponse", "redirect_type").GetProperty("type").GetString());
        foreach (var request in (string[])["CreateLinkRequest", "UpdateLinkRequest"])
        {
            Assert.False(Member(request, "redirect_type").TryGetProperty("enum", out _));
            Assert.False(Member(request, "redirect_type").TryGetProperty("default", out _));
        }

        Assert.Equal("object", Member("CreateLinkRequest", "metadata").GetProperty("type").GetString());
        Assert.Equal("string", Member("CreateLinkRequest", "custom_alias").GetProperty("type").GetString());
        Assert.Equal("integer", Member("Problem", "retry_after").GetProperty("type").GetString());
        // Those that a client would otherwise send a zero or false for.
        foreach (var name in (string[])["expires_at", "never_expires", "is_active", "redirect_type"])
            Assert.Contains("null", Member("UpdateLinkRequest", name).GetProperty("type").EnumerateArray().Select(type => type.GetString()));
        foreach (
            var (schema, name) in ((string, string)[])
                [
                    ("Problem", "code"),
                    ("FieldError", "code"),
                    ("BulkResult", "code"),
                    ("BulkResult", "status"),
                    ("LinkResponse", "status"),
                    ("LinkDetailResponse", "status"),
                    ("HealthResponse", "status"),
                ]
        )
            Assert.True(Follow(document, Member(schema, name)).TryGetProperty("enum", out _), $"{schema}.{name}");
        foreach (
            var (schema, name, format) in ((string, string, string)[])
                [
                    ("CreateLinkRequest", "original_url", "iri"),
                    ("LinkResponse", "short_url", "uri"),
                    ("LinkResponse", "created_at", "date-time"),
                    ("TimeBucketResponse", "timestamp", "date-time"),
                ]
        )
            Assert.Equal(format, Member(schema, name).GetProperty("format").GetString());
        Assert.Equal(10_000, Member("BulkRequest", "urls").GetProperty("maxItems").GetInt32());
        Assert.Equal("array", document.Find("GET", "/api/v1/urls").ParameterSchema("metadata").GetProperty("type").GetString());
        Assert.Equal(20, document.Find("GET", "/api/v1/urls").ParameterSchema("limit").GetProperty("default").GetInt32());
        Assert.All(
            Operation.ContentOf(document.Find("GET", "/api/v1/urls/{short_code}/qr").Responses[200]).Values,
            content => Assert.Equal("binary", content.GetProperty("schema").GetProperty("format").GetString())
        );
        foreach (var (method, path) in ((string, string)[])[("GET", "/{short_code}"), ("GET", "/health"), ("GET", "/api/v1/urls/{short_code}/qr")])
            Assert.Equal(0, document.Find(method, path).Json.GetProperty("security").GetArrayLength());
        Assert.Equal("/", Assert.Single(document.Root.GetProperty("servers").EnumerateArray()).GetProperty("url").GetString());
    }

    [Fact]
    public async Task Errors_EveryCode_HasAPlaceOnThePageOfItsType()
    {
        var document = await ApiDocument.LoadAsync(_product.Anonymous);
        var codes = document
            .Root.GetProperty("components")
            .GetProperty("schemas")
            .GetProperty("ErrorCode")
            .GetProperty("enum")
            .EnumerateArray()
            .Select(code => code.GetString()!)
            .ToList();
        var problem = (await _product.Anonymous.GetAsync("/api/v1/urls/nosuch7/nothing")).ShouldBeProblem(404, "NOT_FOUND");
        var type = new Uri(_product.Http.BaseAddress!, problem.GetProperty("type").GetString());
        var page = await _product.Anonymous.GetAsync(type.AbsolutePath);
        var text = await File.ReadAllTextAsync(Checkout.PathOf("docs", "errors.md"), TestContext.Current.CancellationToken);

        Assert.Equal(200, page.Status);
        Assert.Equal("#NOT_FOUND", type.Fragment);
        Assert.InRange(codes.Count, 15, 50);
        Assert.All(codes, code => Assert.Contains($"id=\"{code}\"", page.Text, StringComparison.Ordinal));
        Assert.All(codes, code => Assert.Contains($"`{code}`", text, StringComparison.Ordinal));
    }

    /// <summary>The table for people and the document name the same errors, each where it can happen.</summary>
    [Fact]
    public async Task Document_StatusesOfErrors_AreThoseOfTheTable()
    {
        var document = await ApiDocument.LoadAsync(_product.Anonymous);
        var text = await File.ReadAllTextAsync(Checkout.PathOf("docs", "errors.md"), TestContext.Current.CancellationToken);
        var table = TableRow().Matches(text).SelectMany(row => row.Groups[1].Value.Split(", ")).Select(int.Parse).ToHashSet();
        var described = document
            .Operations.SelectMany(operation => operation.Responses.Where(response => response.Key >= 400))
            .Select(response => response.Key)
            .ToHashSet();

        // Every address may answer these; the document has them as "default". Kestrel's own 431 is no problem of ours.
        Assert.Equal(table.Except([405, 500]).Order(), described.Except([431]).Order());
        Assert.All(
            document.Operations.Where(operation => operation.Json.TryGetProperty("requestBody", out _)),
            operation => Assert.Superset(new HashSet<int> { 400, 408, 413, 415 }, operation.Responses.Keys.ToHashSet())
        );
    }

    [Fact]
    public async Task Document_SecuritySchemes_AreKeyAndBearerToken()
    {
        var schemes = (await ApiDocument.LoadAsync(_product.Anonymous)).Root.GetProperty("components").GetProperty("securitySchemes");

        Assert.Equal("X-API-Key", schemes.GetProperty("ApiKeyAuth").GetProperty("name").GetString());
        Assert.Equal("bearer", schemes.GetProperty("BearerAuth").GetProperty("scheme").GetString());
    }

    /// <summary>Those of parts that no answer shows, too.</summary>
    [Fact]
    public async Task Document_EverySchema_UsesKeywordsThatAreChecked()
    {
        var document = await ApiDocument.LoadAsync(_product.Anonymous);

        var schemas = SchemasIn(document.Root).ToList();
        Assert.True(schemas.Count > 50, $"Only {schemas.Count} schemas were found.");
        Assert.All(schemas, document.RequireSupport);
    }

    /// <summary>A type that no value of the enumeration has is a promise that nothing can keep.</summary>
    [Fact]
    public async Task Document_EveryEnumeration_HasAValueOfEachOfItsTypes()
    {
        var document = await ApiDocument.LoadAsync(_product.Anonymous);

        foreach (var schema in SchemasIn(document.Root).SelectMany(WithInner).Where(schema => schema.TryGetProperty("enum", out _)))
        {
            var type = schema.GetProperty("type");
            var types = type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Select(name => name.GetString()!) : [type.GetString()!];
            Assert.All(
                types,
                name =>
                    Assert.Contains(
                        schema.GetProperty("enum").EnumerateArray(),
                        value => document.Validate(JsonElement.Parse($$"""{"type":"{{name}}"}"""), value).Count == 0
                    )
            );
        }
    }

    [Fact]
    public async Task Document_EveryPath_TakesTheMethodsItDescribesAndNoOther()
    {
        var document = await ApiDocument.LoadAsync(_product.Anonymous);

        foreach (var path in document.Operations.Select(operation => operation.Path).Distinct())
        {
            // What is no code of a link in one path may be one in another: bulk is.
            var address = path.Replace("{short_code}", "nosuch7", StringComparison.Ordinal);
            var described = document
                .Operations.Where(operation => Regex.IsMatch(address, $"^{operation.Path.Replace("{short_code}", "[^/]+", StringComparison.Ordinal)}$"))
                .Select(operation => operation.Method)
                .Distinct()
                .Order(StringComparer.Ordinal)
                .ToList();
            foreach (var method in Methods.Except(described))
            {
                var reply = await _product.Owner.SendAsync(new HttpMethod(method), address);
                Assert.True(reply.Status == 405, $"{method} {address}: {reply}");
                Assert.Equal(described, reply.Header("Allow")!.Split(", ").Distinct().Order(StringComparer.Ordinal));
            }
        }
    }

    /// <summary>From outside nobody can tell which addresses there are; the code that maps them says so.</summary>
    [Fact]
    public async Task Document_EveryMappedAddress_IsDescribed()
    {
        var described = (await ApiDocument.LoadAsync(_product.Anonymous)).Operations.Select(operation => operation.Path).ToHashSet();
        var mapped = new DirectoryInfo(Checkout.PathOf("runtime"))
            .EnumerateFiles("*.cs", SearchOption.AllDirectories)
            .SelectMany(file => MappedAddress().Matches(File.ReadAllText(file.FullName)))
            .Select(match => match.Groups[1].Value)
            .ToHashSet();

        Assert.Superset(described, mapped);
        Assert.Empty(mapped.Except(described).Except(Undocumented));
    }

    // Names of members are written a.b; a list stands for its items.
    private static void AssertMember(ApiDocument document, JsonElement schema, string path, bool isRequired)
    {
        var names = path.Split('.');
        foreach (var (index, name) in names.Index())
        {
            schema = Follow(document, schema);
            Assert.True(schema.GetProperty("properties").TryGetProperty(name, out var member), $"There is no {path}.");
            var required = schema.TryGetProperty("required", out var all) && all.EnumerateArray().Any(entry => entry.GetString() == name);
            Assert.True(index < names.Length - 1 || !isRequired || required, $"{path} is not required.");
            schema = member;
        }
    }

    private static JsonElement Follow(ApiDocument document, JsonElement schema)
    {
        while (true)
        {
            if (schema.TryGetProperty("$ref", out var reference))
                schema = document.Root.GetProperty("components").GetProperty("schemas").GetProperty(reference.GetString()!.Split('/')[^1]);
            else if (schema.TryGetProperty("items", out var items))
                schema = items;
            // Null, or what it is otherwise.
            else if (schema.TryGetProperty("oneOf", out var choices))
                schema = choices.EnumerateArray().Single(choice => !(choice.TryGetProperty("type", out var type) && type.ValueEquals("null")));
            else
                return schema;
        }
    }

    private static IEnumerable<JsonElement> SchemasIn(JsonElement place)
    {
        if (place.ValueKind == JsonValueKind.Array)
            return place.EnumerateArray().SelectMany(SchemasIn);
        return place.ValueKind != JsonValueKind.Object
            ? []
            : place
                .EnumerateObject()
                .SelectMany(member =>
                    member.Name switch
                    {
                        "schema" => [member.Value],
                        "schemas" => member.Value.EnumerateObject().Select(schema => schema.Value),
                        _ => SchemasIn(member.Value),
                    }
                );
    }

    private static IEnumerable<JsonElement> WithInner(JsonElement schema) =>
        schema.TryGetProperty("properties", out var members) ? [schema, .. members.EnumerateObject().SelectMany(member => WithInner(member.Value))] : [schema];

    [GeneratedRegex(@"^\| (\d{3}(?:, \d{3})*) \|", RegexOptions.Multiline)]
    private static partial Regex TableRow();

    [GeneratedRegex(@"\bMap\w*\(""(/[^""]*)""")]
    private static partial Regex MappedAddress();
}
