using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Serialization;

namespace UrlShortener.Load;

/// <summary>The URL shortener under test and the parts of its API the runs need.</summary>
internal sealed class Product(ServerProcess server, string apiKey) : IAsyncDisposable
{
    private const int LinksPerRequest = 1000;

    public ServerProcess Server => server;

    public string ApiKey => apiKey;

    public static async Task<Product> StartAsync(string executable, string dataDirectory, CancellationToken cancellationToken)
    {
        // One generator is one client address: the limiter would answer it 429 after a moment, which is not what is measured.
        string[] arguments = [$"--Storage:DataDirectory={dataDirectory}", "--RateLimiting:Enabled=false"];
        var server = await ServerProcess.StartAsync(executable, arguments, "/health/ready", HttpStatusCode.OK, "API key: ", cancellationToken);
        try
        {
            return new Product(server, await server.WaitForLineAsync(cancellationToken));
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Creates links and returns the paths that redirect, one for each.</summary>
    public async Task<IReadOnlyList<string>> CreateLinksAsync(int count, CancellationToken cancellationToken)
    {
        var paths = new List<string>(count);
        foreach (var numbers in Enumerable.Range(1, count).Chunk(LinksPerRequest))
        {
            var links = numbers.Select(number => new NewLink($"https://example.com/p/{number.ToString(CultureInfo.InvariantCulture)}"));
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/urls/bulk") { Content = JsonContent.Create(new NewLinks([.. links])) };
            request.Headers.Add("X-API-Key", apiKey);
            using var response = await server.Client.SendAsync(request, cancellationToken);
            if (response.StatusCode != HttpStatusCode.Created)
                throw await UnexpectedAsync(response, cancellationToken);

            var created = await response.Content.ReadFromJsonAsync<CreatedLinks>(cancellationToken);
            paths.AddRange(created!.Results.Select(link => "/" + link.ShortCode));
        }

        if (paths.Count != count || paths.Contains("/"))
            throw new LoadException($"Asked for {count} links, but the replies hold {paths.Count(path => path != "/")} short codes.");
        return paths;
    }

    public async Task<ClickCounters> ReadClicksAsync(CancellationToken cancellationToken)
    {
        using var response = await server.Client.GetAsync("/metrics", cancellationToken);
        return response.StatusCode == HttpStatusCode.OK
            ? ClickCounters.Parse(await response.Content.ReadAsStringAsync(cancellationToken))
            : throw await UnexpectedAsync(response, cancellationToken);
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();

    private static async Task<LoadException> UnexpectedAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var body = await response.Content.ReadAsStringAsync(cancellationToken);
        return new LoadException($"{response.RequestMessage!.Method} {response.RequestMessage.RequestUri!.AbsolutePath} answered {(int)response.StatusCode}: {body}");
    }

    private sealed record NewLink([property: JsonPropertyName("original_url")] string OriginalUrl);

    private sealed record NewLinks([property: JsonPropertyName("urls")] IReadOnlyList<NewLink> Urls);

    private sealed record CreatedLink([property: JsonPropertyName("short_code")] string? ShortCode);

    private sealed record CreatedLinks([property: JsonPropertyName("results")] IReadOnlyList<CreatedLink> Results);
}
