using System.Text;
using System.Text.Json;

namespace UrlShortener.EndToEnd.Tests.OpenApi;

/// <summary>Holds answers against the document, and remembers which of its promises were seen kept.</summary>
internal sealed class Contract(ApiDocument document)
{
    // Sent with some answers of their status only; seen once is enough.
    private static readonly HashSet<string> Occasional = ["Idempotency-Replayed"];

    private readonly HashSet<string> _seen = [];
    private readonly List<string> _problems = [];

    /// <summary>Holds one answer against what the document says of its operation.</summary>
    public void Check(string method, string path, int expectedStatus, Reply reply)
    {
        var operation = document.Find(method, path);
        var place = $"{operation} {reply.Status}";
        if (reply.Status != expectedStatus)
            _problems.Add($"{operation}: expected {expectedStatus}, got {reply}");
        if (!operation.Responses.TryGetValue(reply.Status, out var response))
        {
            _problems.Add($"{place} is not documented");
            return;
        }

        _seen.Add(place);
        foreach (var header in Operation.HeadersOf(response))
        {
            if (reply.Header(header) is not null)
                _seen.Add($"{place} header {header}");
            else if (!Occasional.Contains(header))
                _problems.Add($"{place} lacks the header {header}");
        }

        CheckBody(place, method == "HEAD", Operation.ContentOf(response), reply);
    }

    /// <summary>Everything that was not as the document says, and everything that it says and nobody saw.</summary>
    public IReadOnlyList<string> Problems() =>
        [
            .. _problems,
            .. from operation in document.Operations
            from response in operation.Responses
            let place = $"{operation} {response.Key}"
            from promise in (string[])
                [
                    place,
                    .. Operation.HeadersOf(response.Value).Select(header => $"{place} header {header}"),
                    .. Operation.ContentOf(response.Value).Keys.Select(type => $"{place} as {type}"),
                ]
            where !_seen.Contains(promise)
            select $"{promise} is documented, and no request provoked it",
        ];

    private void CheckBody(string place, bool isHead, IReadOnlyDictionary<string, JsonElement> content, Reply reply)
    {
        var type = reply.Header("Content-Type")?.Split(';')[0];
        if (content.Count == 0)
        {
            if (type is not null || reply.Body.Length > 0)
                _problems.Add($"{place} has a body of type {type}, and none is documented");
            return;
        }

        if (type is null || !content.TryGetValue(type, out var described))
        {
            _problems.Add($"{place} has the type {type ?? "none"}, not {string.Join(" or ", content.Keys)}");
            return;
        }

        _seen.Add($"{place} as {type}");
        if (isHead)
        {
            if (reply.Body.Length > 0)
                _problems.Add($"{place} has a body");
        }
        else if (type.EndsWith("json", StringComparison.Ordinal))
        {
            _problems.AddRange(document.Validate(described.GetProperty("schema"), reply.Json).Select(problem => $"{place}: {problem} in {reply.Text}"));
        }
        else if (!IsOf(type, reply.Body))
        {
            _problems.Add($"{place} is no {type}");
        }
    }

    private static bool IsOf(string type, byte[] body) =>
        type switch
        {
            "image/png" => body.AsSpan().StartsWith((byte[])[0x89, .. "PNG\r\n"u8, 0x1A, 0x0A]),
            "text/csv" => Encoding.UTF8.GetString(body).EndsWith("\r\n", StringComparison.Ordinal),
            "text/html" => Encoding.UTF8.GetString(body).StartsWith("<!doctype html>", StringComparison.Ordinal),
            "image/svg+xml" => Encoding.UTF8.GetString(body).Contains("<svg", StringComparison.Ordinal),
            _ => throw new NotSupportedException($"Nobody here knows what {type} looks like."),
        };
}
