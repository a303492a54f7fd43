using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Http;
using Xunit;

namespace UrlShortener.Runtime.Tests.Http;

public sealed class TrustedProxiesTests
{
    private static readonly string?[] Entries =
    [
        "203.0.113.5",
        "10.0.0.7",
        " 198.51.100.1 ",
        "2001:db8::1",
        "::ffff:203.0.113.9",
        "::ffff:10.0.0.8",
        "203.0.113.5:4711",
        "[2001:db8::1]:443",
        "[2001:db8::1]",
        "fe80::1%eth0",
        "\"203.0.113.5\"",
        "unknown",
        "10",
        "0x0a.1",
        "\t203.0.113.6",
        "",
        null,
    ];

    private static readonly string[] Peers = ["10.0.0.1", "::ffff:10.0.0.2", "2001:db8:ffff::1", "203.0.113.77"];

    public static TheoryData<string[], int> Settings =>
        new()
        {
            { [], 2 },
            { ["10.0.0.0/8"], 1 },
            { ["10.0.0.0/8", "2001:db8:ffff::/48"], 2 },
            { ["10.0.0.0/8", "203.0.113.5"], 3 },
        };

    /// <summary>What is told without the middleware is what the middleware would have told.</summary>
    [Theory]
    [MemberData(nameof(Settings))]
    public async Task FindVisitor_AnyChain_IsThatOfTheMiddlewareOrNone(string[] trusted, int limit)
    {
        var proxies = new TrustedProxies(new ProxyOptions { Trusted = trusted, ForwardLimit = limit });
        var middleware = new ForwardedHeadersMiddleware(_ => Task.CompletedTask, NullLoggerFactory.Instance, Options.Create(proxies.HeadersOptions()));
        var found = 0;
        foreach (var (peer, values) in Peers.SelectMany(_ => Chains(), (peer, values) => (peer, values)))
        {
            var context = new DefaultHttpContext();
            context.Connection.RemoteIpAddress = IPAddress.Parse(peer);
            context.Request.Headers["X-Forwarded-For"] = values;
            var isTrusted = proxies.IsConnectedBy(context);

            if (!proxies.TryFindVisitor(context, out var visitor))
                continue;

            found++;
            if (trusted.Length > 0)
                await middleware.Invoke(context);
            Assert.True(
                context.Connection.RemoteIpAddress!.Equals(visitor.Address),
                $"{peer}, {string.Join(" | ", values)}: {visitor.Address} instead of {context.Connection.RemoteIpAddress}"
            );
            Assert.Equal(isTrusted, visitor.IsBehindProxy);
        }

        Assert.InRange(found, 100, int.MaxValue);
    }

    [Theory]
    [InlineData("203.0.113.5", "203.0.113.5")]
    [InlineData("1.1.1.1, 203.0.113.5", "203.0.113.5")]
    [InlineData("2001:db8::1", "2001:db8::1")]
    public void FindVisitor_UsualHeaders_AreReadWithoutTheMiddleware(string header, string visitor)
    {
        var proxies = new TrustedProxies(new ProxyOptions { Trusted = ["10.0.0.0/8"] });
        var context = new DefaultHttpContext();
        context.Connection.RemoteIpAddress = IPAddress.Parse("::ffff:10.0.0.2");
        context.Request.Headers["X-Forwarded-For"] = header;

        Assert.True(proxies.TryFindVisitor(context, out var found));

        Assert.Equal(new Visitor(IPAddress.Parse(visitor), IsBehindProxy: true), found);
    }

    // No header, one, a chain in one, and several headers.
    private static IEnumerable<string?[]> Chains()
    {
        yield return [];
        foreach (var last in Entries)
        {
            yield return [last];
            foreach (var before in Entries)
            {
                yield return [$"{before}, {last}"];
                yield return [$"{before},{last}"];
                yield return [before, last];
                foreach (var first in Entries)
                    yield return [$"{first}, {before}", last];
            }
        }
    }
}
