using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using FsCheck.Fluent;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Fuzzing;

/// <summary>No answer of the 500s, no hang, no injection, whatever is sent; and the process is as well as before. A failing request is printed for
/// replay.</summary>
public sealed class FuzzTests : ProductTest, IClassFixture<FuzzFixture>
{
    private const string Urls = "/api/v1/urls";

    private readonly ProductProcess _product;
    private readonly FuzzTarget _target;
    private readonly int _outputBefore;

    public FuzzTests(FuzzFixture fixture)
    {
        _product = Share(fixture.Product);
        _target = fixture.Target;
        _outputBefore = _product.AllOutput.Length;
    }

    [Fact]
    public async Task Create_AnyUrl_IsRefusedOrLeadsWhereBrowsersCanGo()
    {
        var before = _target.Created;
        Inputs.Check(
            Inputs.Url,
            600,
            url => _target.CheckCreated(_target.Send("POST", Urls, Encoding.ASCII.GetBytes($$"""{"original_url":{{Inputs.Quote(url)}}}""")))
        );
        // As UTF-8, not as escapes.
        Inputs.Check(Inputs.Url, 200, url => _target.CheckCreated(_target.Send("POST", Urls, JsonSerializer.SerializeToUtf8Bytes(new { original_url = url }))));

        // Else these inputs only ever met the door.
        Assert.InRange(_target.Created - before, Inputs.Share(20), Inputs.Share(800));
        await _target.AssertWellAsync(_outputBefore);
    }

    [Fact]
    public async Task Create_AnyAlias_IsRefusedOrFollowed()
    {
        Inputs.Check(
            Inputs.Alias,
            400,
            alias =>
                _target.CheckCreated(
                    _target.Send(
                        "POST",
                        Urls,
                        Encoding.ASCII.GetBytes($$"""{"original_url":"https://example.com/alias","custom_alias":{{Inputs.Quote(alias)}}}""")
                    )
                )
        );

        await _target.AssertWellAsync(_outputBefore);
    }

    [Fact]
    public async Task Create_AnyBody_IsRefusedOrCreated()
    {
        Inputs.Check(Inputs.Body, 800, body => _target.CheckCreated(_target.Send("POST", Urls, body)));
        Inputs.Check(
            Inputs.JsonObject,
            300,
            text =>
                _target.CheckCreated(_target.Send("POST", Urls, Encoding.UTF8.GetBytes($$"""{"original_url":"https://example.com/",{{text.TrimStart('{')}}""")))
        );

        await _target.AssertWellAsync(_outputBefore);
    }

    [Fact]
    public async Task CreateMany_AnyBody_IsRefusedOrCreated()
    {
        Inputs.Check(Inputs.Body, 600, body => _target.Send("POST", $"{Urls}/bulk", body));
        Inputs.Check(
            Inputs.JsonObject,
            300,
            text =>
                _target.Send(
                    "POST",
                    $"{Urls}/bulk",
                    Encoding.UTF8.GetBytes($$"""{"urls":[{{text}},{"original_url":"https://example.com/",{{text.TrimStart('{')}}]}""")
                )
        );

        await _target.AssertWellAsync(_outputBefore);
    }

    [Fact]
    public async Task Update_AnyBody_LeavesALinkThatCanBeReadAndFollowed()
    {
        var code = await _product.Owner.CreateLinkAsync();
        var changed = 0;
        Inputs.Check(Inputs.Body, 500, body => Patch(body));
        Inputs.Check(Inputs.JsonObject, 500, text => Patch(Encoding.UTF8.GetBytes(text)));
        Inputs.Check(Inputs.Url, 300, url => Patch(Encoding.ASCII.GetBytes($$"""{"original_url":{{Inputs.Quote(url)}}}""")));

        Assert.InRange(changed, Inputs.Share(20), Inputs.Share(1_300));
        await _target.AssertWellAsync(_outputBefore);

        void Patch(byte[] body)
        {
            if (_target.Send("PATCH", $"{Urls}/{code}", body).Status != 200)
                return;
            changed++;
            var read = _target.Send("GET", $"{Urls}/{code}");
            Assert.True(read.Status is 200 or 410, read.Text);
            var followed = _target.Send("GET", $"/{code}");
            Assert.True(followed.Status is 301 or 302 or 307 or 308 or 404 or 410, followed.Text);
        }
    }

    [Fact]
    public async Task Body_EveryMemberWithEveryValue_IsRefusedOrTaken()
    {
        var code = await _product.Owner.CreateLinkAsync();
        foreach (var member in Inputs.AllMembers)
        {
            var link = $$"""{"original_url":"https://example.com/",{{member}}}""";
            _target.CheckCreated(_target.Send("POST", Urls, Encoding.UTF8.GetBytes(link)));
            _target.Send("POST", $"{Urls}/bulk", Encoding.UTF8.GetBytes($$"""{"urls":[{{link}}]}"""));
            _target.Send("PATCH", $"{Urls}/{code}", Encoding.UTF8.GetBytes($"{{{member}}}"));
        }

        await _target.AssertWellAsync(_outputBefore);
    }

    [Fact]
    public async Task Query_AnyParameters_AreRefusedOrAnswered()
    {
        var query = from name in Inputs.ParameterName from value in Inputs.ParameterValue select $"{name}={value}";
        foreach (var path in (string[])[Urls, $"{Urls}/{_target.KnownCode}/stats", $"{Urls}/{_target.KnownCode}/qr"])
            Inputs.Check(query.ArrayOf(), 400, parameters => _target.Send("GET", $"{path}?{string.Join('&', parameters)}"));
        // Names of one endpoint's own, so that values are read and not only names refused.
        var dates =
            from start in Inputs.ParameterValue
            from end in Inputs.ParameterValue
            from zone in Inputs.ParameterValue
            from width in Gen.Elements("hour", "day", "week")
            select (string[])[$"start_date={start}", $"end_date={end}", $"time_zone={zone}", $"granularity={width}"];
        Inputs.Check(dates, 500, parameters => _target.Send("GET", $"{Urls}/{_target.KnownCode}/stats?{string.Join('&', parameters)}"));
        var zones =
            from day in Gen.Elements("1970-01-01", "2026-03-29", "9000-12-31", "2026-01-31T12:00:00Z")
            from zone in Inputs.ParameterValue
            select (string[])[day, zone];
        Inputs.Check(zones, 300, parts => _target.Send("GET", $"{Urls}/{_target.KnownCode}/stats?end_date={string.Join("&time_zone=", parts)}"));
        var filters = from name in Gen.Elements("cursor", "code", "target", "metadata") from value in Inputs.ParameterValue select $"{name}={value}";
        Inputs.Check(filters.ArrayOf(), 400, parameters => _target.Send("GET", $"{Urls}?{string.Join('&', parameters)}"));

        await _target.AssertWellAsync(_outputBefore);
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
