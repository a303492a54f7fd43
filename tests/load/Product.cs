using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Serialization;

namespace UrlShortener.Load;

/// <summary>The URL shortener under test and the parts of its API the runs need.</summary>
internal sealed class Product(ServerProcess server, string apiKey) : IAsyncDisposable
{
    private const int LinksPerRequest = 1000;
    private const int RequestsAtOnce = 4;
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan DrainPoll = TimeSpan.FromMilliseconds(100);

    public ServerProcess Server => server;

    public string ApiKey => apiKey;

    /// <summary>Starts the product with the store that is a file.</summary>
    public static Task<Product> StartAsync(string executable, string dataDirectory, CancellationToken cancellationToken) =>
        StartAsync(executable, [$"--Storage:DataDirectory={dataDirectory}"], null, cancellationToken);

    /// <summary>Starts the product. A null <paramref name="apiKey"/>: it is the first on its store, and prints a key.</summary>
    public static async Task<Product> StartAsync(
        string executable,
        IEnumerable<string> arguments,
        string? apiKey,
        CancellationToken cancellationToken,
        params (string Name, string Value)[] environment
    )
    {
        // One generator is one client address: the limiter would answer it 429 after a moment, which is not what is measured. Visitors have many: the generator
        // names them as a trusted proxy does.
        var server = await ServerProcess.StartAsync(
            executable,
            [.. arguments, "--RateLimiting:Enabled=false", "--Proxies:Trusted:0=127.0.0.1", "--Links:OwnHosts:0=127.0.0.1"],
            "/health/ready",
            HttpStatusCode.OK,
            apiKey is null ? "API key: " : null,
            cancellationToken,
            environment
        );
        try
        {
            return new Product(server, apiKey ?? await server.WaitForLineAsync(cancellationToken));
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
        var chunks = Enumerable.Range(1, count).Chunk(LinksPerRequest).ToArray();
        var paths = new IReadOnlyList<string>[chunks.Length];
        await Parallel.ForEachAsync(
            Enumerable.Range(0, chunks.Length),
            new ParallelOptions { MaxDegreeOfParallelism = RequestsAtOnce, CancellationToken = cancellationToken },
            async (index, token) => paths[index] = await CreateAsync(chunks[index], token)
        );
        return [.. paths.SelectMany(part => part)];
    }

    public async Task<Exposition> ReadMetricsAsync(CancellationToken cancellationToken)
    {
        using var response = await server.Client.GetAsync("/metrics", cancellationToken);
        return response.StatusCode == HttpStatusCode.OK
            ? new Exposition(await response.Content.ReadAsStringAsync(cancellationToken))
            : throw await UnexpectedAsync(response, cancellationToken);
    }

    public async Task<ClickCounters> ReadClicksAsync(CancellationToken cancellationToken) => ClickCounters.Of(await ReadMetricsAsync(cancellationToken));

    /// <summary>Waits until all clicks are stored, and tells how long that took: what is left to do would otherwise slow what is measured next.</summary>
    public async Task<TimeSpan> DrainAsync(CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        while (!(await ReadClicksAsync(cancellationToken)).Settled && Stopwatch.GetElapsedTime(started) < DrainLimit)
            await Task.Delay(DrainPoll, cancellationToken);
        return Stopwatch.GetElapsedTime(started);
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();

    private async Task<IReadOnlyList<string>> CreateAsync(int[] numbers, CancellationToken cancellationToken)
    {
        var links = numbers.Select(number => new NewLink($"https://example.com/p/{number.ToString(CultureInfo.InvariantCulture)}"));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/urls/bulk") { Content = JsonContent.Create(new NewLinks([.. links])) };
        request.Headers.Add("X-API-Key", apiKey);
        using var response = await server.Client.SendAsync(request, cancellationToken);
        if (response.StatusCode != HttpStatusCode.Created)
            throw await UnexpectedAsync(response, cancellationToken);

        var created = await response.Content.ReadFromJsonAsync<CreatedLinks>(cancellationToken);
        string[] paths = [.. created!.Results.Where(link => link.ShortCode is not null).Select(link => "/" + link.ShortCode)];
        return paths.Length == numbers.Length
            ? paths
            : throw new LoadException($"Asked for {numbers.Length} links, but the reply holds {paths.Length} short codes.");
    }

    private static async Task<LoadException> UnexpectedAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var body = await response.Content.ReadAsStringAsync(cancellationToken);
        return new LoadException(
            $"{response.RequestMessage!.Method} {response.RequestMessage.RequestUri!.AbsolutePath} answered {(int)response.StatusCode}: {body}"
        );
    }

    private sealed record NewLink([property: JsonPropertyName("original_url")] string OriginalUrl);

    private sealed record NewLinks([property: JsonPropertyName("urls")] IReadOnlyList<NewLink> Urls);

    private sealed record CreatedLink([property: JsonPropertyName("short_code")] string? ShortCode);

    private sealed record CreatedLinks([property: JsonPropertyName("results")] IReadOnlyList<CreatedLink> Results);
}
