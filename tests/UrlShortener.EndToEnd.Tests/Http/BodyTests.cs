using System.Globalization;
using System.Net.Sockets;
using System.Text;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Http;

/// <summary>Memory for request bodies: what arrives counts, not what is announced, and one caller does not take it all.</summary>
public sealed class BodyTests : ProductTest
{
    private const int Announced = 8_323_072;
    private static readonly object Link = new { original_url = "https://example.com/" };

    [Fact]
    public async Task AnnouncedBodies_OfOneKey_TakeNothingFromOthers()
    {
        var pod = await StartSmallPodAsync();
        var attacker = await pod.CreateUserAsync(NewEmail());
        var other = await pod.CreateUserAsync(NewEmail());
        var bodies = new List<PartialBody>();
        try
        {
            for (var i = 0; i < 50; i++)
                bodies.Add(await PartialBody.SendAsync(pod, attacker, Announced, 100));
            await WaitForBytesAsync(pod, 50 * 100);

            for (var i = 0; i < 20; i++)
            {
                Assert.Equal(201, (await other.CreateAsync(Link)).Status);
                Assert.Equal(201, (await other.CreateManyAsync([Link, Link])).Status);
            }

            Assert.Equal(201, (await attacker.CreateAsync(Link)).Status);
        }
        finally
        {
            bodies.ForEach(body => body.Dispose());
        }

        await Eventually.ReadAsync(() => ReadBytesAsync(pod), bytes => bytes == 0, "the room of bodies that broke off is free again");
    }

    [Fact]
    public async Task LargeBodies_PastTheLimits_AreRefusedAndSingleLinksGoOn()
    {
        var product = await StartAsync("--Bodies:MaxBytes=2097152", "--Bodies:MaxBytesPerCaller=1500000");
        var first = await product.CreateUserAsync(NewEmail());
        var second = await product.CreateUserAsync(NewEmail());
        var held = await PartialBody.SendAsync(product, first, 1_400_000, 1_200_000);
        await WaitForBytesAsync(product, 1_200_000);

        var own = await AnswerAsync(() => first.CreateManyAsync(Many()));
        var others = await AnswerAsync(() => second.CreateManyAsync(Many()));

        own.ShouldBeProblem(429, "RATE_LIMIT_EXCEEDED");
        Assert.NotNull(own.Header("Retry-After"));
        others.ShouldBeProblem(503, "UNAVAILABLE");
        Assert.NotNull(others.Header("Retry-After"));
        Assert.Equal(201, (await first.CreateAsync(Link)).Status);
        Assert.Equal(201, (await second.CreateAsync(Link)).Status);
        Assert.Equal(201, (await product.Anonymous.CreateAsync(Link)).Status);
        // Over the limit of a caller: no wait would make room for it.
        held.Dispose();
        await Eventually.ReadAsync(() => ReadBytesAsync(product), bytes => bytes == 0, "the room is free again");
        (await AnswerAsync(() => first.CreateManyAsync(Many(2_000)))).ShouldBeProblem(413, "PAYLOAD_TOO_LARGE");
        Assert.Equal(201, (await second.CreateManyAsync(Many())).Status);
    }

    [Fact]
    public async Task Body_DoesNotArriveInTime_Returns408()
    {
        var product = await StartAsync("--Bodies:Timeout=00:00:01");
        using var held = await PartialBody.SendAsync(product, product.Owner, Announced, 100_000);

        var answer = await held.ReadAnswerAsync();

        Assert.StartsWith("HTTP/1.1 408", answer, StringComparison.Ordinal);
        Assert.Contains("REQUEST_TIMEOUT", answer, StringComparison.Ordinal);
        Assert.Equal(201, (await product.Owner.CreateAsync(Link)).Status);
    }

    [Fact]
    public async Task Bulk_LargerThanOnePiece_IsReadWhole()
    {
        var product = await StartAsync();

        var reply = await product.Owner.CreateManyAsync(Many(700));

        Assert.True(reply.Status == 201, reply.Text[..Math.Min(reply.Text.Length, 500)]);
        Assert.Equal(700, reply.Json.GetProperty("created").GetInt32());
    }

    // The server ends the connection 5 s after it has refused a body that still arrives. On a machine whose cores are all busy, a client may be slower than that
    // and not see the answer.
    private static async Task<Reply> AnswerAsync(Func<Task<Reply>> send)
    {
        for (var left = 5; ; left--)
        {
            try
            {
                return await send();
            }
            catch (HttpRequestException error) when (left > 0 && error.InnerException is IOException)
            {
                TestContext.Current.SendDiagnosticMessage($"Sent again: {error.InnerException.Message}");
            }
        }
    }

    // About a kilobyte each.
    private static IEnumerable<object> Many(int count = 700) =>
        Enumerable.Range(0, count).Select(number => new { original_url = $"https://example.com/{number}?{new string('a', 970)}" });

    private static Task<double> WaitForBytesAsync(ProductProcess product, double atLeast) =>
        Eventually.ReadAsync(() => ReadBytesAsync(product), bytes => bytes >= atLeast, "the bodies are there");

    private static Task<double> ReadBytesAsync(ProductProcess product) => product.ReadMetricAsync("shortener_body_bytes");

    // A request that stops in the middle of its body.
    private sealed class PartialBody(TcpClient client) : IDisposable
    {
        public static async Task<PartialBody> SendAsync(ProductProcess product, ApiClient user, int announced, int sent)
        {
            var address = product.Http.BaseAddress!;
            var client = new TcpClient();
            await client.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
            var head = string.Create(
                CultureInfo.InvariantCulture,
                $"POST /api/v1/urls/bulk HTTP/1.1\r\nHost: {address.Authority}\r\nX-API-Key: {user.ApiKey}\r\nContent-Type: "
                    + $"application/json\r\nContent-Length: {announced}\r\n\r\n"
            );
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head + new string(' ', sent)), TestContext.Current.CancellationToken);
            return new PartialBody(client);
        }

        public async Task<string> ReadAnswerAsync()
        {
            using var reader = new StreamReader(client.GetStream(), Encoding.UTF8, leaveOpen: true);
            var answer = new StringBuilder();
            var buffer = new char[4_096];
            while (!answer.ToString().Contains('}', StringComparison.Ordinal))
            {
                var read = await reader.ReadAsync(buffer, TestContext.Current.CancellationToken);
                if (read == 0)
                    break;
                answer.Append(buffer, 0, read);
            }

            return answer.ToString();
        }

        public void Dispose() => client.Dispose();
    }
}
