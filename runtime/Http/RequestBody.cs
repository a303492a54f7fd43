using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace UrlShortener.Runtime.Http;

/// <summary>Reads JSON bodies up to a limit; what is wrong with one is a value, not an exception.</summary>
internal static class RequestBody
{
    /// <summary>The answer to a body of another type.</summary>
    public static readonly Problem NotJson = Problem.Of(
        StatusCodes.Status415UnsupportedMediaType, ErrorCode.UnsupportedMediaType, "The body must be JSON, sent with Content-Type: application/json.");

    private static readonly Problem Broken = Problem.Of(StatusCodes.Status400BadRequest, ErrorCode.InvalidRequest, "The body could not be read to its end.");

    /// <summary>The bytes of a JSON body, or what is wrong with it. The caller disposes of the bytes once they are read.</summary>
    /// <param name="context">The request.</param>
    /// <param name="maxBytes">Largest body.</param>
    /// <param name="lease">Room for the body, held until the answer is sent.</param>
    public static async Task<(ReceivedBody Body, Problem? Problem)> ReadAsync(HttpContext context, int maxBytes, BodyBudget.BodyLease lease)
    {
        context.Response.RegisterForDispose(lease);
        var request = context.Request;
        var body = new ReceivedBody();
        maxBytes = (int)Math.Min(maxBytes, lease.Budget.MaxBody);
        if (!request.HasJsonContentType())
            return (body, NotJson);
        if (request.ContentLength > maxBytes)
            return (body, TooLarge(maxBytes));
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = maxBytes;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        end.CancelAfter(lease.Budget.Timeout);
        try
        {
            return (body, await ReceiveAsync(request.Body, body, maxBytes, lease, end.Token));
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            return (body, TooSlow(lease.Budget.Timeout));
        }
        catch (BadHttpRequestException error) when (error.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return (body, TooLarge(maxBytes));
        }
        // Kestrel's, for a sender below its minimum rate.
        catch (BadHttpRequestException error) when (error.StatusCode == StatusCodes.Status408RequestTimeout)
        {
            return (body, TooSlow(lease.Budget.Timeout));
        }
        catch (BadHttpRequestException error)
        {
            return (body, Problem.Of(error.StatusCode, ErrorCode.InvalidRequest, error.Message));
        }
        catch (ConnectionResetException)
        {
            // Nobody is there to read an answer. Said aloud, or Kestrel looks for the rest of the body and logs that there is none.
            context.Abort();
            return (body, Broken);
        }
        // Kestrel's for a chunk whose size no number holds.
        catch (IOException)
        {
            return (body, Broken);
        }
    }

    /// <summary>The object in a JSON text, or what is wrong with the text and where.</summary>
    public static (T? Value, Problem? Problem) Parse<T>(ReadOnlySequence<byte> body, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            var value = JsonSerializer.Deserialize(ref reader, type);
            // Throws when something follows.
            reader.Read();
            return value is not null ? (value, null) : (null, Invalid("$", "The body must be a JSON object."));
        }
        catch (JsonException error)
        {
            return (null, Invalid(error.Path ?? "$", Describe(error)));
        }
    }

    private static async Task<Problem?> ReceiveAsync(Stream source, ReceivedBody body, int maxBytes, BodyBudget.BodyLease lease, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (body.Free.IsEmpty)
            {
                // Never more than the largest body, or one that fits could be refused for the size of its last piece.
                if (lease.TryTake((int)Math.Min(body.NextPiece, maxBytes - body.Length)) is { } problem)
                    return problem;
                body.AddPiece();
            }

            var read = await source.ReadAsync(body.Free, cancellationToken);
            if (read == 0)
                return null;
            body.Advance(read);
            if (body.Length > maxBytes)
                return TooLarge(maxBytes);
        }
    }

    private static string Describe(JsonException error)
    {
        var path = error.Path is { Length: > 2 } ? error.Path[2..] : null;
        if (error.Message.Contains("could not be mapped", StringComparison.Ordinal))
            return $"There is no field {path ?? "of that name"} here. Remove it or check its spelling.";
        if (error.Message.Contains("uplicate", StringComparison.Ordinal))
            return $"{path ?? "A field"} is there twice.";
        if (path is not null && error.Message.Contains("could not be converted", StringComparison.Ordinal))
            return $"{path} has a value of the wrong type, or text that is not valid Unicode.";
        return $"The body is not valid JSON at line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1}.";
    }

    private static Problem Invalid(string path, string message) =>
        Problem.Of([new FieldError(path.Length > 2 ? path[2..] : "body", ErrorCode.InvalidRequest, message)]);

    private static Problem TooSlow(TimeSpan limit) => Problem.Of(
        StatusCodes.Status408RequestTimeout, ErrorCode.RequestTimeout, $"The body did not arrive within {limit.TotalSeconds:0.#} s, or came too slowly. Send it faster, or less at a time.");

    private static Problem TooLarge(int maxBytes) =>
        Problem.Of(StatusCodes.Status413PayloadTooLarge, ErrorCode.PayloadTooLarge, $"The body may have at most {maxBytes} bytes. Send less, or several requests.");
}
