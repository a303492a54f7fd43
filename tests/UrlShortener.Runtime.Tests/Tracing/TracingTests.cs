using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Xunit;

namespace UrlShortener.Runtime.Tests.Tracing;

[Collection(ProcessStateTestGroup.Name)]
public sealed class TracingTests
{
    private const string CallersTrace = "0af7651916cd43dd8448eb211c80319c";
    private const string CallersSpan = "b7ad6b7169203331";
    private const string Sampled = $"00-{CallersTrace}-{CallersSpan}-01";
    private const string NotSampled = $"00-{CallersTrace}-{CallersSpan}-00";

    [Fact]
    public async Task Redirect_LinkIsNotInMemory_HasSpansFromTheRequestToTheStore()
    {
        await using var product = await TracedProduct.StartTracedAsync();
        var code = await product.StoreLinkAsync("https://example.com/cold");

        var (answer, spans) = await product.GetAsync($"/{code}");

        Assert.Equal(HttpStatusCode.Found, answer.StatusCode);
        var request = Assert.Single(spans, span => span.Kind == ActivityKind.Server);
        Assert.Equal("GET /{short_code}", request.DisplayName);
        Assert.Equal(default, request.ParentSpanId);
        Assert.Equal(302, request.GetTagItem("http.response.status_code"));
        Assert.Equal(("GET", "/{short_code}", $"/{code}"), (Tag(request, "http.request.method"), Tag(request, "http.route"), Tag(request, "url.path")));
        Assert.Equal(("http", "1.1"), (Tag(request, "url.scheme"), Tag(request, "network.protocol.version")));
        var load = Assert.Single(spans, span => span.DisplayName == "load link");
        Assert.Equal(request.SpanId, load.ParentSpanId);
        Assert.Equal("store", Tag(load, "url_shortener.cache.tier"));
        var query = Assert.Single(spans, span => span.Kind == ActivityKind.Client);
        Assert.Equal(load.SpanId, query.ParentSpanId);
        Assert.Equal(("Find sqlite", "sqlite"), (query.DisplayName, Tag(query, "db.system.name")));
    }

    [Fact]
    public async Task Redirect_LinkIsInMemory_HasOneSpan()
    {
        await using var product = await TracedProduct.StartTracedAsync();
        var code = await product.StoreLinkAsync("https://example.com/warm");
        await product.GetAsync($"/{code}");

        var (_, spans) = await product.GetAsync($"/{code}");

        Assert.Equal("GET /{short_code}", Assert.Single(spans).DisplayName);
    }

    // The writer starts with the first write, and must not stay in its trace.
    [Fact]
    public async Task Create_Several_EachHasItsOwnWrite()
    {
        await using var product = await TracedProduct.StartTracedAsync();

        for (var i = 0; i < 3; i++)
        {
            using var request = TracedProduct.Request(HttpMethod.Post, "/api/v1/urls");
            request.Content = JsonContent.Create(new { original_url = $"https://example.com/{i}" });
            var (answer, spans) = await product.SendAsync(request);

            Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
            var server = Assert.Single(spans, span => span.Kind == ActivityKind.Server);
            Assert.Equal("POST /api/v1/urls", server.DisplayName);
            var write = Assert.Single(spans, span => span.DisplayName == "Create sqlite");
            Assert.Equal(server.SpanId, write.ParentSpanId);
        }
    }

    [Fact]
    public async Task Clicks_OfRequests_AreATraceOfTheirOwn()
    {
        await using var product = await TracedProduct.StartTracedAsync();
        var code = await product.StoreLinkAsync("https://example.com/clicked");
        var (_, spans) = await product.GetAsync($"/{code}");

        await Eventually.HoldsAsync(() => product.Spans.Any(span => span.DisplayName == "Append sqlite"), "the click is written");
        var write = product.Spans.Single(span => span.DisplayName == "Append sqlite");
        await Eventually.HoldsAsync(() => product.Spans.Any(span => span.SpanId == write.ParentSpanId), "the batch has ended");
        var batch = product.Spans.Single(span => span.SpanId == write.ParentSpanId);
        Assert.Equal(("write clicks", default), (batch.DisplayName, batch.ParentSpanId));
        Assert.NotEqual(spans[0].TraceId, batch.TraceId);
    }

    [Theory]
    [InlineData(Sampled)]
    [InlineData(NotSampled)]
    public async Task Request_FromAnybody_BeginsATraceAndLinksTheCallers(string context)
    {
        await using var product = await TracedProduct.StartTracedAsync();

        var (_, spans) = await product.GetAsync("/nothing1", ("traceparent", context), ("tracestate", "vendor=secret"));

        var request = Assert.Single(spans, span => span.Kind == ActivityKind.Server);
        Assert.NotEqual(CallersTrace, request.TraceId.ToString());
        Assert.Equal((default, null), (request.ParentSpanId, request.TraceStateString));
        var link = Assert.Single(request.Links);
        Assert.Equal((CallersTrace, CallersSpan, null), (link.Context.TraceId.ToString(), link.Context.SpanId.ToString(), link.Context.TraceState));
    }

    [Fact]
    public async Task Request_FromAnybodyWhoAsksToBeRecorded_IsNot()
    {
        await using var product = await TracedProduct.StartTracedAsync(
            "--Tracing:SampleRatio=0",
            "--Proxies:Trusted:0=127.0.0.1",
            "--Links:OwnHosts:0=a.example"
        );

        // Trusted for addresses, not for traces.
        Assert.Equal("none", await ProbeAsync(product, Sampled));
        Assert.Empty(product.Spans);
    }

    [Theory]
    [InlineData(Sampled, true)]
    [InlineData(NotSampled, false)]
    [InlineData("00-0-0-01", false)]
    [InlineData("", false)]
    public async Task Request_ThroughATrustedProxy_ContinuesItsTrace(string context, bool isRecorded)
    {
        await using var product = await TracedProduct.StartTracedAsync(
            "--Tracing:SampleRatio=0",
            "--Tracing:TrustProxies=true",
            "--Proxies:Trusted:0=127.0.0.1",
            "--Links:OwnHosts:0=a.example"
        );
        var isContext = context.Contains(CallersTrace, StringComparison.Ordinal);

        Assert.Equal(isContext, await ProbeAsync(product, context) == CallersTrace);
        if (!isRecorded)
        {
            Assert.Empty(product.Spans);
            return;
        }

        var (_, spans) = await product.GetAsync("/nothing1", ("traceparent", context), ("tracestate", "vendor=value"));
        var request = spans.First(span => span.DisplayName == "GET /{short_code}");
        Assert.Equal((CallersTrace, CallersSpan), (request.TraceId.ToString(), request.ParentSpanId.ToString()));
        Assert.Equal("vendor=value", request.TraceStateString);
        Assert.Empty(request.Links);
    }

    [Theory]
    [InlineData(8081, true)]
    [InlineData(8080, false)]
    public async Task Request_OnTheManagementPort_ContinuesTheTraceOfTheOperator(int port, bool isContinued)
    {
        using var heard = new HeardSpans("Management:Port=8081");
        heard.Context.Connection.LocalPort = port;
        heard.Context.Request.Headers.TraceParent = Sampled;

        await heard.RunAsync(_ => Task.CompletedTask);

        Assert.Equal(isContinued, Assert.Single(heard.Spans).TraceId.ToString() == CallersTrace);
    }

    [Theory]
    [InlineData("/metrics")]
    [InlineData("/health")]
    [InlineData("/health/live")]
    public async Task Request_OfThePlatform_HasNoSpan(string path)
    {
        await using var product = await TracedProduct.StartTracedAsync();

        Assert.True((await product.Http.GetAsync(path, TestContext.Current.CancellationToken)).IsSuccessStatusCode);

        // Later than the other one in any case.
        await product.GetAsync("/nothing1");
        Assert.DoesNotContain(product.Spans, span => Tag(span, "http.route")?.StartsWith(path, StringComparison.Ordinal) == true);
        Assert.Single(product.Spans, span => span.Kind == ActivityKind.Server);
    }

    [Theory]
    [InlineData("/{0}?q=SECRET")]
    [InlineData("/{0}+https://user:SECRET@example.org/?token=SECRET")]
    [InlineData("/https://example.org/SECRET?token=SECRET")]
    [InlineData("/api/v1/urls/{0}?key=SECRET")]
    [InlineData("/api/v1/urls?target=SECRET")]
    [InlineData("/api/v1/SECRET")]
    [InlineData("/SECRET.SECRET")]
    [InlineData("/docs/SECRET")]
    public async Task Span_OfARequestWithSecrets_HasNoneOfThem(string path)
    {
        await using var product = await TracedProduct.StartTracedAsync("--Proxies:Trusted:0=127.0.0.1", "--Links:OwnHosts:0=127.0.0.1");
        var code = await product.StoreLinkAsync("https://target.example/?token=SECRET");

        var (answer, _) = await product.GetAsync(
            path.Replace("{0}", code, StringComparison.Ordinal),
            ("X-API-Key", "usk_SECRET"),
            ("Authorization", "Bearer SECRET"),
            ("User-Agent", "SECRET"),
            ("Referer", "https://SECRET.example/"),
            ("Cookie", "SECRET"),
            ("X-Forwarded-For", "203.0.113.77"),
            ("baggage", "user=SECRET"),
            ("traceparent", Sampled),
            ("tracestate", "a=SECRET")
        );

        Assert.All(
            product.Spans,
            span =>
            {
                var text = string.Join(
                    '\n',
                    [
                        span.OperationName,
                        span.DisplayName,
                        span.StatusDescription,
                        span.TraceStateString,
                        .. span.TagObjects.Select(tag => $"{tag.Key}={tag.Value}"),
                        .. span.Events.Select(one => one.Name),
                        .. span.Baggage.Select(one => one.Value),
                        .. span.Links.Select(link => link.Context.TraceState),
                    ]
                );
                Assert.DoesNotContain("SECRET", text, StringComparison.OrdinalIgnoreCase);
                Assert.DoesNotContain("203.0.113.77", text, StringComparison.Ordinal);
                Assert.DoesNotContain("127.0.0.1", text, StringComparison.Ordinal);
                Assert.DoesNotContain("target.example", text, StringComparison.Ordinal);
            }
        );
        // Nothing of the trace is told to the visitor or, by them, to the target.
        Assert.DoesNotContain(answer.Headers, header => header.Key.StartsWith("trace", StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain(product.Spans[0].TraceId.ToString(), answer.Headers.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(404, false)]
    [InlineData(499, false)]
    [InlineData(500, true)]
    [InlineData(503, true)]
    public async Task Span_OfAnAnsweredRequest_IsAnErrorOnlyIfItIsOurs(int status, bool isError)
    {
        using var heard = new HeardSpans();

        await heard.RunAsync(context =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        });

        var span = Assert.Single(heard.Spans);
        Assert.Equal(isError ? ActivityStatusCode.Error : ActivityStatusCode.Unset, span.Status);
        Assert.Equal(isError ? $"{status}" : null, Tag(span, "error.type"));
    }

    [Fact]
    public async Task Span_HandlerThrows_HasTheTypeAndNotTheMessage()
    {
        using var heard = new HeardSpans();

        await Assert.ThrowsAsync<InvalidDataException>(() => heard.RunAsync(_ => throw new InvalidDataException("SECRET")));

        var span = Assert.Single(heard.Spans);
        Assert.Equal((500, "System.IO.InvalidDataException"), (span.GetTagItem("http.response.status_code"), Tag(span, "error.type")));
        Assert.Equal((ActivityStatusCode.Error, null), (span.Status, span.StatusDescription));
        Assert.Empty(span.Events);
    }

    [Fact]
    public async Task Span_ClientIsGone_IsNoErrorOfOurs()
    {
        using var heard = new HeardSpans();
        heard.Context.RequestAborted = new CancellationToken(canceled: true);

        await heard.RunAsync(_ => Task.CompletedTask);

        var span = Assert.Single(heard.Spans);
        Assert.Equal((499, ActivityStatusCode.Unset), (span.GetTagItem("http.response.status_code"), span.Status));
    }

    [Theory]
    [InlineData("BREW")]
    [InlineData("get")]
    public async Task Span_UnknownMethod_IsNotInItsName(string method)
    {
        using var heard = new HeardSpans();
        heard.Context.Request.Method = method;

        await heard.RunAsync(_ => Task.CompletedTask);

        var span = Assert.Single(heard.Spans);
        Assert.Equal(("_OTHER", "_OTHER"), (span.DisplayName, Tag(span, "http.request.method")));
    }

    private static async Task<string> ProbeAsync(TracedProduct product, string context)
    {
        using var request = TracedProduct.Request(HttpMethod.Get, TracedProduct.ProbePath, ("traceparent", context));
        using var answer = await product.Http.SendAsync(request, TestContext.Current.CancellationToken);
        return await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    private static string? Tag(Activity span, string name) => span.GetTagItem(name)?.ToString();
}
