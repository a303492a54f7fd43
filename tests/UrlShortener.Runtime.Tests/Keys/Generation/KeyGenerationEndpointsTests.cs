using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using UrlShortener.Contracts;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Keys.Generation;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Storage;
using UrlShortener.Runtime.Tests.Regions;
using Xunit;

namespace UrlShortener.Runtime.Tests.Keys.Generation;

public sealed class KeyGenerationEndpointsTests : IAsyncLifetime
{
    private const string Token = "0123456789abcdef0123456789abcdef";

    private readonly GenerationRegion _region = new();
    private readonly Faults _faults = new();
    private readonly HttpClient _client = new();
    private WebApplication _app = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _app = await StartAsync(Token);

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _app.DisposeAsync();
        await _region.DisposeAsync();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Bearer x")]
    [InlineData("Bearer 0123456789abcdef0123456789abcdeF")]
    [InlineData("Bearer 0123456789abcdef0123456789abcde")]
    [InlineData("Bearer 0123456789abcdef0123456789abcdef0")]
    [InlineData("Basic 0123456789abcdef0123456789abcdef")]
    [InlineData("0123456789abcdef0123456789abcdef")]
    public async Task AnyCall_WithoutTheToken_Is401(string? authorization)
    {
        foreach (var (method, path) in new[] { ("GET", "status"), ("POST", "refill"), ("POST", "epochs") })
        {
            var (response, body) = await SendAsync(method, path, "{\"epoch\":9}", authorization);

            Assert.Equal((401, "UNAUTHORIZED"), ((int)response.StatusCode, body.GetProperty("code").GetString()));
            Assert.Equal("Bearer", response.Headers.WwwAuthenticate.ToString());
            Assert.Equal("no-store", response.Headers.CacheControl!.ToString());
        }

        Assert.Equal(1, _region.Registry.Epoch);
    }

    [Fact]
    public async Task Status_Filled_TellsEverything()
    {
        var (response, body) = await SendAsync("GET", "status");

        Assert.Equal((HttpStatusCode.OK, "no-store"), (response.StatusCode, response.Headers.CacheControl!.ToString()));
        Assert.Equal(
            [
                "region",
                "epoch",
                "pool_epoch",
                "state",
                "level",
                "level_read_at",
                "target_level",
                "low_watermark",
                "critical_watermark",
                "generated_per_second",
                "consumed_per_second",
                "seconds_to_exhaustion",
                "claimed_total",
                "adopted_batches",
                "discarded_batches",
                "last_batch_at",
                "last_batch_size",
                "last_error",
                "last_error_at",
                "keyspace_used_share",
            ],
            body.EnumerateObject().Select(member => member.Name)
        );
        Assert.Equal("eu-west", body.GetProperty("region").GetString());
        Assert.Equal("idle", body.GetProperty("state").GetString());
        Assert.Equal((1, 1), (body.GetProperty("epoch").GetInt32(), body.GetProperty("pool_epoch").GetInt32()));
        Assert.Equal((1_000, 1_000), (body.GetProperty("level").GetInt64(), body.GetProperty("claimed_total").GetInt64()));
        Assert.Equal("2030-01-31T12:00:00.000Z", body.GetProperty("level_read_at").GetString());
        Assert.Equal(JsonValueKind.Null, body.GetProperty("last_error").ValueKind);
        Assert.InRange(body.GetProperty("keyspace_used_share").GetDouble(), 1e-12, 1e-9);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("{}")]
    public async Task Refill_Commanded_Is202AndFillsNow(string? json)
    {
        _region.Pool.Take(10);

        var (response, body) = await SendAsync("POST", "refill", json);

        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        Assert.Equal("eu-west", body.GetProperty("region").GetString());
        // The clock stands still.
        await Eventually.HoldsAsync(() => _region.Pool.Level == 1_000);
    }

    [Theory]
    [InlineData("{\"target_level\":5}")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{")]
    public async Task Refill_BadBody_Is400(string json)
    {
        var (response, body) = await SendAsync("POST", "refill", json);

        Assert.Equal((400, "INVALID_REQUEST"), ((int)response.StatusCode, body.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task OpenEpoch_Newer_Is200AndTheNewPoolIsFilled()
    {
        var (response, body) = await SendAsync("POST", "epochs", "{\"epoch\":4}");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(4, body.GetProperty("epoch").GetInt32());
        Assert.Equal(4, _app.Services.GetRequiredService<KeyEpoch>().Current);
        // The clock stands still.
        await Eventually.HoldsAsync(() => _region.Pool.Epoch == 4 && _region.Pool.Level == 1_000);
        _region.AssertSound();
    }

    [Fact]
    public async Task OpenEpoch_InForce_Is200()
    {
        await SendAsync("POST", "epochs", "{\"epoch\":4}");

        var (response, body) = await SendAsync("POST", "epochs", "{\"epoch\":4}");

        Assert.Equal((HttpStatusCode.OK, 4), (response.StatusCode, body.GetProperty("epoch").GetInt32()));
    }

    [Fact]
    public async Task OpenEpoch_Older_Is409AndNamesTheNewer()
    {
        _region.Registry.Epoch = 17;

        var (response, body) = await SendAsync("POST", "epochs", "{\"epoch\":16}");

        Assert.Equal((409, "EPOCH_CLOSED"), ((int)response.StatusCode, body.GetProperty("code").GetString()));
        Assert.Contains("17", body.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal(17, _app.Services.GetRequiredService<KeyEpoch>().Current);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("{\"epoch\":null}")]
    [InlineData("{\"epoch\":0}")]
    [InlineData("{\"epoch\":-1}")]
    [InlineData("{\"epoch\":1.5}")]
    [InlineData("{\"epoch\":\"2\"}")]
    [InlineData("{\"epoch\":1000000001}")]
    [InlineData("{\"epoch\":99999999999}")]
    [InlineData("{\"epoch\":2,\"force\":true}")]
    [InlineData("{\"epoch\":2,\"epoch\":3}")]
    [InlineData("2")]
    [InlineData("")]
    public async Task OpenEpoch_BadBody_Is400(string json)
    {
        var (response, body) = await SendAsync("POST", "epochs", json);

        Assert.Equal((400, "INVALID_REQUEST"), ((int)response.StatusCode, body.GetProperty("code").GetString()));
        Assert.Equal(1, _region.Registry.Epoch);
    }

    [Fact]
    public async Task OpenEpoch_LargeBody_Is413() =>
        Assert.Equal(413, (int)(await SendAsync("POST", "epochs", "{\"epoch\":2" + new string(' ', 2_000) + "}")).Response.StatusCode);

    [Fact]
    public async Task OpenEpoch_RegistryDoesNotAnswer_Is503AndNotOpened()
    {
        _faults.HangAt = "open:before";

        var sent = SendAsync("POST", "epochs", "{\"epoch\":2}");
        await _region.RunUntilAsync(() => sent.IsCompleted);
        var (response, body) = await sent;

        Assert.Equal((503, "UNAVAILABLE"), ((int)response.StatusCode, body.GetProperty("code").GetString()));
        Assert.Equal(1, _region.Registry.Epoch);
    }

    [Fact]
    public async Task Endpoints_NoTokenSet_AreNotThere()
    {
        await using var app = await StartAsync(token: null);

        using var request = new HttpRequestMessage(HttpMethod.Get, $"{app.Urls.Single()}/kgs/v1/status");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer ");
        using var response = await _client.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    private async Task<WebApplication> StartAsync(string? token)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _region.Options.Token = token;
        builder.Services.AddSingleton(_region.Options);
        builder.Services.AddSingleton(new RegionOptions { Name = "eu-west" });
        builder.Services.AddSingleton<TimeProvider>(_region.Time);
        builder.Services.AddSingleton(new BodyBudget(new BodyOptions()));
        builder.Services.AddSingleton<KeyEpoch>();
        builder.Services.AddSingleton(TestRegions.NewAccess());
        builder.Services.AddSingleton<IFailureClassifier, StoreFailure>();
        builder.Services.AddSingleton(_region.Registry.Connect(_faults));
        builder.Services.AddSingleton(_region.Pool.Connect(_faults));
        builder.Services.AddKeyGeneration();
        var app = builder.Build();
        app.UseMiddleware<ErrorMiddleware>();
        app.MapKeyGeneration();
        await app.StartAsync(Cancellation);
        var state = app.Services.GetRequiredService<KeyGenerationState>();
        await Eventually.HoldsAsync(() => state.Read() is { State: KeyGenerationPhase.Idle, Level: 1_000, KeyspaceUsedShare: not null });
        return app;
    }

    private async Task<(HttpResponseMessage Response, JsonElement Body)> SendAsync(
        string method,
        string path,
        string? json = null,
        string? authorization = $"Bearer {Token}"
    )
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), $"{_app.Urls.Single()}/kgs/v1/{path}");
        if (authorization is not null)
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        if (json is not null && method == "POST")
            request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        var response = await _client.SendAsync(request, Cancellation);
        using var body = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(Cancellation));
        return (response, body.RootElement.Clone());
    }
}
