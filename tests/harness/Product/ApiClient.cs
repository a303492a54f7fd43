using System.Net.Http.Json;
using System.Text.Json;
using Xunit;

namespace UrlShortener.TestHarness.Product;

/// <summary>Sends requests as one caller.</summary>
internal sealed class ApiClient(HttpClient http, string? apiKey)
{
    public string? ApiKey => apiKey;

    public Task<Reply> GetAsync(string path, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Get, path, null, headers);

    public Task<Reply> HeadAsync(string path, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Head, path, null, headers);

    public Task<Reply> PostAsync(string path, object body, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Post, path, body, headers);

    public Task<Reply> PatchAsync(string path, object body) => SendAsync(HttpMethod.Patch, path, body);

    public Task<Reply> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path);

    /// <summary>POST /api/v1/urls</summary>
    public Task<Reply> CreateAsync(object link, params (string Name, string Value)[] headers) => PostAsync("/api/v1/urls", link, headers);

    /// <summary>POST /api/v1/urls/bulk</summary>
    public Task<Reply> CreateManyAsync(IEnumerable<object> links, params (string Name, string Value)[] headers) =>
        PostAsync("/api/v1/urls/bulk", new { urls = links }, headers);

    /// <summary>Creates a link that must be created, and returns its code.</summary>
    public async Task<string> CreateLinkAsync(string originalUrl = "https://example.com/landing?a=1")
    {
        var reply = await CreateAsync(new { original_url = originalUrl });
        Assert.True(reply.Status == 201, reply.ToString());
        return reply.Json.GetProperty("short_code").GetString()!;
    }

    /// <summary>Statistics of a link.</summary>
    public async Task<JsonElement> GetStatisticsAsync(string code, string query = "")
    {
        var reply = await GetAsync($"/api/v1/urls/{code}/stats{query}");
        Assert.True(reply.Status == 200, reply.ToString());
        return reply.Json;
    }

    /// <summary>Statistics of a link, once clicks by people and bots add up to a number.</summary>
    public Task<JsonElement> WaitForClicksAsync(string code, long clicks, string query = "") =>
        Eventually.ReadAsync(
            () => GetStatisticsAsync(code, query),
            statistics => statistics.GetProperty("total_clicks").GetInt64() + statistics.GetProperty("bots").GetInt64() == clicks,
            $"{code} has {clicks} clicks"
        );

    public async Task<Reply> SendAsync(HttpMethod method, string path, object? body = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
            request.Content = body as HttpContent ?? JsonContent.Create(body);
        if (apiKey is not null)
            request.Headers.Add("X-API-Key", apiKey);
        foreach (var (name, value) in headers)
            Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        var all = response
            .Headers.Concat(response.Content.Headers)
            .ToDictionary(header => header.Key, header => string.Join(", ", header.Value), StringComparer.OrdinalIgnoreCase);
        return new Reply((int)response.StatusCode, all, await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }
}
