using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Fuzzing;

/// <summary>The product under fire: every request has five seconds, and no answer may be of the 500s.</summary>
internal sealed class FuzzTarget(ProductProcess product, string knownCode)
{
    private const string KnownTarget = "https://example.com/known";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    // After this long without an answer the product is told that nothing more comes. Never earlier: it takes that for a client that has gone.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(50);

    /// <summary>The code of a link that is never changed.</summary>
    public string KnownCode => knownCode;

    private string Authority => product.Http.BaseAddress!.Authority;

    /// <summary>Starts a target with limits out of the way.</summary>
    public static async Task<FuzzTarget> StartAsync(ProductProcess product) => new(product, await product.Owner.CreateLinkAsync(KnownTarget));

    /// <summary>Sends a body as JSON, as the owner.</summary>
    public Answer Send(string method, string path, ReadOnlySpan<byte> body, string contentType = "application/json") =>
        Exchange(
            [.. Head($"{method} {path} HTTP/1.1", $"X-API-Key: {product.ApiKey}", $"Content-Type: {contentType}", $"Content-Length: {body.Length}"), .. body],
            mustAnswer: true
        );

    /// <summary>Sends a request without a body, as the owner.</summary>
    public Answer Send(string method, string path) => Exchange(Head($"{method} {path} HTTP/1.1", $"X-API-Key: {product.ApiKey}"), mustAnswer: true);

    /// <summary>The first lines of a request that ends its connection.</summary>
    public byte[] Head(string start, params string[] headers) =>
        Encoding.UTF8.GetBytes($"{start}\r\nHost: {Authority}\r\nConnection: close\r\n{string.Concat(headers.Select(header => $"{header}\r\n"))}\r\n");

    /// <summary>
    /// Sends bytes on a connection of their own and reads to the end. A request that is none may be dropped without an answer, within the limit as well.
    /// </summary>
    public Answer Exchange(byte[] request, bool mustAnswer)
    {
        var started = Stopwatch.GetTimestamp();
        using var limit = new CancellationTokenSource(Limit);
        var received = new MemoryStream();
        try
        {
            ExchangeAsync(request, received, !mustAnswer, limit.Token).GetAwaiter().GetResult();
        }
        // Refused in the middle of what we sent. What it said before counts.
        catch (Exception error) when (error is SocketException or IOException) { }
        catch (OperationCanceledException)
        {
            Assert.Fail($"No end after {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s. {Describe(request)}");
        }

        var answer = new Answer(received.ToArray());
        // 505 is the one of its class that blames the client: for an HTTP version that there is not.
        Assert.True(
            answer.Status is (>= 100 and < 500) or 505 || (answer.Status == 0 && !mustAnswer),
            $"Answered {answer.Status} {answer.Text}\n{Describe(request)}"
        );
        Assert.True(answer.Header("X-Injected") is null, $"A header came through to the answer: {answer.Text}\n{Describe(request)}");
        return answer;
    }

    /// <summary>Links that were created and passed.</summary>
    public int Created { get; private set; }

    /// <summary>A 201 that came back: its link leads where browsers can go, and may be created again.</summary>
    public void CheckCreated(Answer created)
    {
        if (created.Status != 201)
            return;
        var json = JsonElement.Parse(created.Body);
        var code = json.GetProperty("short_code").GetString()!;
        var followed = Send("GET", $"/{code}");
        Assert.True(followed.Status is 301 or 302 or 307 or 308, $"{code} of {created.Text} answers {followed.Text}");
        var location = followed.Header("Location");
        Assert.NotNull(location);
        Assert.True(
            Uri.TryCreate(location, UriKind.Absolute, out var uri)
                && uri.Scheme is "http" or "https"
                && location.All(character => character is > ' ' and <= '~'),
            $"{code} of {created.Text} leads to {location}"
        );
        // What we send visitors to must be what we accept; else a link could not be moved to another shortener, nor back.
        var again = Send("POST", "/api/v1/urls", JsonSerializer.SerializeToUtf8Bytes(new { original_url = location }));
        Assert.True(again.Status == 201 || location.Length > 2_048, $"The Location {location} of {created.Text} is not accepted again: {again.Text}");
        Created++;
    }

    /// <summary>The process is as well as before.</summary>
    /// <param name="outputBefore">Length of its output then.</param>
    public async Task AssertWellAsync(int outputBefore)
    {
        var health = await product.Anonymous.GetAsync("/health");
        Assert.True(health.Status == 200, health.ToString());
        var known = await product.Anonymous.GetAsync($"/{knownCode}");
        Assert.Equal((302, KnownTarget), (known.Status, known.Header("Location")));
        var output = product.AllOutput[outputBefore..];
        Assert.DoesNotContain("answered 500", output, StringComparison.Ordinal);
        Assert.DoesNotContain("unhandled exception", output, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Opens a connection.</summary>
    public async Task<TcpClient> ConnectAsync(CancellationToken cancellationToken)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(product.Http.BaseAddress!.Host, product.Http.BaseAddress.Port, cancellationToken);
        return client;
    }

    private async Task ExchangeAsync(byte[] request, MemoryStream received, bool mayBeCutOff, CancellationToken cancellationToken)
    {
        using var client = await ConnectAsync(cancellationToken);
        var stream = client.GetStream();
        // Read beside writing: the product may answer before it has read all.
        var reading = stream.CopyToAsync(received, cancellationToken);
        try
        {
            await stream.WriteAsync(request, cancellationToken);
            if (mayBeCutOff && await Task.WhenAny(reading, Task.Delay(Patience, cancellationToken)) != reading)
                client.Client.Shutdown(SocketShutdown.Send);
        }
        catch (Exception error) when (error is SocketException or IOException) { }

        await reading;
    }

    // Base64 besides: a replay needs every byte.
    private static string Describe(byte[] request) =>
        $"The request ({request.Length} bytes; replay with: base64 -d | nc HOST "
        + $"PORT):\n{Encoding.UTF8.GetString(request.AsSpan(0, Math.Min(request.Length, 2_000)))}\n"
        + Convert.ToBase64String(request.AsSpan(0, Math.Min(request.Length, 8_000)));
}

/// <summary>What came back on a connection.</summary>
internal sealed class Answer
{
    private readonly string _head;

    public Answer(byte[] bytes)
    {
        var end = bytes.AsSpan().IndexOf("\r\n\r\n"u8);
        _head = Encoding.Latin1.GetString(end < 0 ? bytes : bytes.AsSpan(0, end));
        Body = end < 0 ? [] : bytes[(end + 4)..];
        Status = _head.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) && int.TryParse(_head.AsSpan(9, 3), out var status) ? status : 0;
    }

    /// <summary>0: there was no answer.</summary>
    public int Status { get; }

    public byte[] Body { get; }

    /// <summary>For messages.</summary>
    public string Text => $"{_head}\n{Encoding.UTF8.GetString(Body.AsSpan(0, Math.Min(Body.Length, 1_000)))}";

    /// <summary>A header; null when it is not there.</summary>
    public string? Header(string name) =>
        _head
            .Split("\r\n")
            .Where(line => line.StartsWith($"{name}: ", StringComparison.OrdinalIgnoreCase))
            .Select(line => line[(name.Length + 2)..])
            .FirstOrDefault();
}
