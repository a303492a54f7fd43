using System.Net.Sockets;
using System.Text;
using FsCheck.Fluent;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Fuzzing;

/// <summary>As <see cref="FuzzTests"/>, for what the server refuses before it looks at links.</summary>
[Collection(nameof(FuzzGroup))]
public sealed class RequestFuzzTests : ProductTest
{
    private const string Urls = "/api/v1/urls";

    private readonly ProductProcess _product;
    private readonly FuzzTarget _target;
    private readonly int _outputBefore;

    public RequestFuzzTests(FuzzFixture fixture)
    {
        _product = Share(fixture.Product);
        _target = fixture.Target;
        _outputBefore = _product.AllOutput.Length;
    }

    [Fact]
    public async Task Headers_Any_AreRefusedOrAnswered()
    {
        var start = Gen.Elements(
            $"GET /{_target.KnownCode}",
            $"GET {Urls}",
            $"POST {Urls}",
            $"GET {Urls}/{_target.KnownCode}/qr",
            "GET /health",
            $"DELETE {Urls}/nosuch7",
            "GET /"
        );
        foreach (var request in (string[])["", $"X-API-Key: {_product.ApiKey}"])
        {
            var lines = from first in start from headers in Inputs.Header.ArrayOf() select (string[])[first, .. headers];
            Inputs.Check(
                lines,
                500,
                parts =>
                {
                    if (parts.Length == 0)
                        return;
                    var key = request.Length == 0 ? [] : (string[])[request];
                    var body = """{"original_url":"https://example.com/headers"}""";
                    var length = parts[0].StartsWith("POST", StringComparison.Ordinal)
                        ? (string[])["Content-Type: application/json", $"Content-Length: {body.Length}"]
                        : [];
                    _target.Exchange(
                        [
                            .. _target.Head($"{parts[0]} HTTP/1.1", [.. key, .. length, .. parts[1..]]),
                            .. length.Length == 0 ? [] : Encoding.ASCII.GetBytes(body),
                        ],
                        mustAnswer: false
                    );
                }
            );
        }

        await _target.AssertWellAsync(_outputBefore);
    }

    [Fact]
    public async Task Path_AnyMethodTargetAndVersion_IsRefusedOrAnswered()
    {
        var request =
            from method in Inputs.Method
            from target in Inputs.Target
            from version in Gen.Elements("HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/9.9", "http/1.1", "")
            select $"{method} {target} {version}";
        Inputs.Check(request, 800, line => _target.Exchange(_target.Head(line, $"X-API-Key: {_product.ApiKey}"), mustAnswer: false));
        // Bytes that are no request at all.
        Inputs.Check(Gen.Choose(0, 255).Select(value => (byte)value).ArrayOf(), 50, bytes => _target.Exchange(bytes, mustAnswer: false));

        await _target.AssertWellAsync(_outputBefore);
    }

    [Theory]
    [InlineData("Content-Length: 5\r\nContent-Length: 6")]
    [InlineData("Content-Length: 5\r\nTransfer-Encoding: chunked")]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\nZZ\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\na")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n-1\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nTrailer: a\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n2;ext=\"\r\n{}\r\n0\r\n\r\n")]
    [InlineData("Content-Length: -1")]
    [InlineData("Content-Length: 99999999999999999999")]
    [InlineData("Content-Length: 4294967297")]
    [InlineData("Content-Length: 131072")]
    [InlineData("Content-Length: 0x10")]
    [InlineData("Content-Length: 2\r\n\r\n{}GET /health HTTP/1.1\r\nHost: a")]
    [InlineData("Host: b")]
    [InlineData("Expect: 200-maybe\r\nContent-Length: 2")]
    [InlineData("Content-Encoding: gzip\r\nContent-Length: 2")]
    public async Task Body_OddLengthOrCoding_IsRefusedOrAnswered(string headers)
    {
        foreach (var method in (string[])["POST", "PATCH"])
        {
            var path = method == "POST" ? Urls : $"{Urls}/nosuch7";
            _target.Exchange(
                _target.Head($"{method} {path} HTTP/1.1", $"X-API-Key: {_product.ApiKey}", "Content-Type: application/json", headers),
                mustAnswer: false
            );
        }

        await _target.AssertWellAsync(_outputBefore);
    }

    [Fact]
    public async Task Connection_CutOffAnywhere_LeavesNothingBehind()
    {
        var body = """{"original_url":"https://example.com/cut"}""";
        byte[] request =
        [
            .. _target.Head($"POST {Urls} HTTP/1.1", $"X-API-Key: {_product.ApiKey}", "Content-Type: application/json", $"Content-Length: {body.Length}"),
            .. Encoding.ASCII.GetBytes(body),
        ];
        var before = await CountHandlesAsync();
        var held = new List<TcpClient>();
        for (var length = 0; length < request.Length; length++)
        {
            var client = await _target.ConnectAsync(TestContext.Current.CancellationToken);
            await client.GetStream().WriteAsync(request.AsMemory(0, length), TestContext.Current.CancellationToken);
            held.Add(client);
            // Of three, one stays open half sent, one is closed in order, one is reset.
            if (length % 3 == 1)
                client.Client.Shutdown(SocketShutdown.Send);
            else if (length % 3 == 2)
                client.Client.Close(timeout: 0);
        }

        await _target.AssertWellAsync(_outputBefore);
        foreach (var client in held)
            client.Dispose();
        await Eventually.ReadAsync(CountHandlesAsync, handles => handles < before + 25, $"the product has about {before} open handles again");
        await _target.AssertWellAsync(_outputBefore);
    }

    [Fact]
    public async Task Connection_ByteByByte_IsAnswered()
    {
        using var client = await _target.ConnectAsync(TestContext.Current.CancellationToken);
        var stream = client.GetStream();
        foreach (var part in _target.Head($"GET /{_target.KnownCode} HTTP/1.1"))
        {
            await stream.WriteAsync((byte[])[part], TestContext.Current.CancellationToken);
            await Task.Yield();
        }

        using var reader = new StreamReader(stream, Encoding.Latin1);
        Assert.Equal("HTTP/1.1 302 Found", await reader.ReadLineAsync(TestContext.Current.CancellationToken));
        await _target.AssertWellAsync(_outputBefore);
    }

    private Task<double> CountHandlesAsync() => _product.ReadMetricAsync("process_open_handles");
}
