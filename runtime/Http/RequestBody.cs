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

    /// <summary>The bytes of a JSON body, or what is wrong with it.</summary>
    /// <param name="context">The request.</param>
    /// <param name="maxBytes">Largest body.</param>
    public static async Task<(byte[] Body, Problem? Problem)> ReadAsync(HttpContext context, int maxBytes)
    {
        var request = context.Request;
        if (!request.HasJsonContentType())
            return ([], NotJson);
        if (request.ContentLength > maxBytes)
            return ([], TooLarge(maxBytes));
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = maxBytes;
        try
        {
            using var buffer = new MemoryStream((int)(request.ContentLength ?? 1_024));
            await request.Body.CopyToAsync(buffer, context.RequestAborted);
            return (buffer.ToArray(), null);
        }
        catch (BadHttpRequestException error) when (error.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return ([], TooLarge(maxBytes));
        }
        catch (BadHttpRequestException error)
        {
            return ([], Problem.Of(error.StatusCode, ErrorCode.InvalidRequest, error.Message));
        }
        catch (ConnectionResetException)
        {
            // Nobody is there to read an answer. Said aloud, or Kestrel looks for the rest of the body and logs that there is none.
            context.Abort();
            return ([], Broken);
        }
        // Kestrel's for a chunk whose size no number holds.
        catch (IOException)
        {
            return ([], Broken);
        }
    }

    /// <summary>The object in a JSON text, or what is wrong with the text and where.</summary>
    public static (T? Value, Problem? Problem) Parse<T>(byte[] body, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(body, type) is { } value ? (value, null) : (null, Invalid("$", "The body must be a JSON object."));
        }
        catch (JsonException error)
        {
            return (null, Invalid(error.Path ?? "$", Describe(error)));
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

    private static Problem TooLarge(int maxBytes) =>
        Problem.Of(StatusCodes.Status413PayloadTooLarge, ErrorCode.PayloadTooLarge, $"The body may have at most {maxBytes} bytes. Send less, or several requests.");
}
