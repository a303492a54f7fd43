using System.Globalization;
using System.Net.Sockets;
using System.Text;
using UrlShortener.EndToEnd.Tests.Fuzzing;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Product;

/// <summary>Requests byte for byte, for what an HTTP client would not send.</summary>
internal static class RawHttp
{
    /// <summary>Sends one request on a connection of its own and reads the answer.</summary>
    /// <param name="product">Who is asked.</param>
    /// <param name="line">The request line without its version.</param>
    /// <param name="headers">Header lines. Each character is one byte (Latin-1).</param>
    public static async Task<Answer> SendAsync(ProductProcess product, string line, params string[] headers)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(product.Http.BaseAddress!.Host, product.Http.BaseAddress.Port, TestContext.Current.CancellationToken);
        var stream = client.GetStream();
        string[] lines = [$"{line} HTTP/1.1", "Host: raw", "Connection: close", .. headers, "", ""];
        await stream.WriteAsync(Encoding.Latin1.GetBytes(string.Join("\r\n", lines)), TestContext.Current.CancellationToken);
        using var received = new MemoryStream();
        var buffer = new byte[4_096];
        // No further than the answer goes: the connection stays open for as long as the server waits for the rest of a request.
        while (await stream.ReadAsync(buffer, TestContext.Current.CancellationToken) is > 0 and var read)
        {
            received.Write(buffer, 0, read);
            var answer = new Answer(received.ToArray());
            if (int.TryParse(answer.Header("Content-Length"), CultureInfo.InvariantCulture, out var length) && answer.Body.Length >= length)
                return answer;
        }

        return new Answer(received.ToArray());
    }
}
